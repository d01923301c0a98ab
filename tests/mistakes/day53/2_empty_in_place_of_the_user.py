import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        try:
            async with asyncio.TaskGroup() as group:
                user = group.create_task(fetch_user())
                orders = group.create_task(fetch_orders())
                stats = group.create_task(fetch_stats())
        except* Exception:
            raise HTTPException(502, "bad") from None
        return {"user": {}, "orders": orders.result(), "stats": stats.result()}

    return app
