import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(get_user, get_orders, get_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        try:
            async with asyncio.TaskGroup() as tg:
                user = tg.create_task(get_user())
                orders = tg.create_task(get_orders())
                stats = tg.create_task(get_stats())
        except* Exception:
            raise HTTPException(502, "upstream failed")
        return {"user": user.result(), "orders": orders.result(), "stats": stats.result()}

    return app
