import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        user_task = asyncio.create_task(fetch_user(), name="user")
        orders_task = asyncio.create_task(fetch_orders(), name="orders")
        stats_task = asyncio.create_task(fetch_stats(), name="stats")
        try:
            return {
                "user": await user_task,
                "orders": await orders_task,
                "stats": await stats_task,
            }
        except Exception:
            raise HTTPException(502, detail="dashboard is not available") from None

    return app
