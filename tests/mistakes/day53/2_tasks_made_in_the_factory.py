import asyncio

from fastapi import FastAPI


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()
    user = asyncio.create_task(fetch_user())
    orders = asyncio.create_task(fetch_orders())
    stats = asyncio.create_task(fetch_stats())

    @app.get("/dashboard")
    async def dashboard():
        return {"user": await user, "orders": await orders, "stats": await stats}

    return app
