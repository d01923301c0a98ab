import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()
    sem = asyncio.Semaphore(2)

    async def limited(f):
        async with sem:
            return await f()

    @app.get("/dashboard")
    async def dashboard():
        try:
            async with asyncio.TaskGroup() as group:
                user = group.create_task(limited(fetch_user))
                orders = group.create_task(limited(fetch_orders))
                stats = group.create_task(limited(fetch_stats))
        except* Exception:
            raise HTTPException(502, "bad") from None
        return {"user": user.result(), "orders": orders.result(), "stats": stats.result()}

    return app
