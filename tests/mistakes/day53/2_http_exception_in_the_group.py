import asyncio

from fastapi import FastAPI, HTTPException


async def guarded(fetch, name):
    try:
        return await fetch()
    except Exception:
        raise HTTPException(502, f"{name} is not available") from None


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        async with asyncio.TaskGroup() as tg:
            user = tg.create_task(guarded(fetch_user, "user"))
            orders = tg.create_task(guarded(fetch_orders, "orders"))
            stats = tg.create_task(guarded(fetch_stats, "stats"))
        return {"user": user.result(), "orders": orders.result(), "stats": stats.result()}

    return app
