import asyncio

from fastapi import FastAPI


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    async def fetch_all():
        return await asyncio.gather(fetch_user(), fetch_orders(), fetch_stats())

    @app.get("/dashboard")
    async def dashboard():
        loop = asyncio.get_event_loop()
        user, orders, stats = loop.run_until_complete(fetch_all())
        return {"user": user, "orders": orders, "stats": stats}

    return app
