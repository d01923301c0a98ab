import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    async def load_user():
        response = await fetch_user()
        return response.json()

    @app.get("/dashboard")
    async def dashboard():
        try:
            async with asyncio.TaskGroup() as tg:
                user = tg.create_task(load_user())
                orders = tg.create_task(fetch_orders())
                stats = tg.create_task(fetch_stats())
        except* Exception:
            raise HTTPException(502, "bad gateway")
        return {"user": user.result(), "orders": orders.result(), "stats": stats.result()}

    return app
