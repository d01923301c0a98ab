import asyncio

from fastapi import FastAPI


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        user, orders, stats = await asyncio.gather(
            fetch_user(), fetch_orders(), fetch_stats(), return_exceptions=True
        )
        return {"user": user, "orders": orders, "stats": stats}

    return app
