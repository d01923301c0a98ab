import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        try:
            async with asyncio.TaskGroup() as tasks:
                user = tasks.create_task(fetch_user())
                orders = tasks.create_task(fetch_orders())
                stats = tasks.create_task(fetch_stats())
        except ExceptionGroup:
            raise HTTPException(status_code=502, detail="upstream failed")
        return {"user": user.result(), "orders": orders.result(), "stats": stats.result()}

    return app
