import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        try:
            async with asyncio.TaskGroup() as tg:
                user = tg.create_task(fetch_user())
                orders = tg.create_task(fetch_orders())
                stats = tg.create_task(fetch_stats())
                result = {"user": user.result(), "orders": orders.result(), "stats": stats.result()}
        except* Exception:
            raise HTTPException(502, "bad gateway")
        return result

    return app
