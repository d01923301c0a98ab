import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    async def protected(fetch):
        return await asyncio.shield(fetch())

    @app.get("/dashboard")
    async def dashboard():
        try:
            async with asyncio.TaskGroup() as group:
                user = group.create_task(protected(fetch_user))
                orders = group.create_task(protected(fetch_orders))
                stats = group.create_task(protected(fetch_stats))
        except ExceptionGroup:
            raise HTTPException(502, "upstream error")
        return {"user": user.result(), "orders": orders.result(), "stats": stats.result()}

    return app
