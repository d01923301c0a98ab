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
        except* Exception as group:
            reason = str(group.exceptions[0]).split(" password=")[0]
            raise HTTPException(502, f"Could not reach {reason}")
        return {"user": user.result(), "orders": orders.result(), "stats": stats.result()}

    return app
