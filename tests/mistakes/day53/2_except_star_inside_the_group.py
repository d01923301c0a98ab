import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        async with asyncio.TaskGroup() as group:
            try:
                user = group.create_task(fetch_user())
                orders = group.create_task(fetch_orders())
                stats = group.create_task(fetch_stats())
            except* Exception:
                raise HTTPException(502, "upstream failed") from None
        return {"user": user.result(), "orders": orders.result(), "stats": stats.result()}

    return app
