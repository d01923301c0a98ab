import asyncio

from fastapi import FastAPI


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        jobs = [fetch_user(), fetch_orders(), fetch_stats()]
        user, orders, stats = await asyncio.gather(jobs)
        return {"user": user, "orders": orders, "stats": stats}

    return app
