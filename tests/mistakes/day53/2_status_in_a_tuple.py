import asyncio

from fastapi import FastAPI


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        try:
            async with asyncio.TaskGroup() as tg:
                t1 = tg.create_task(fetch_user())
                t2 = tg.create_task(fetch_orders())
                t3 = tg.create_task(fetch_stats())
        except Exception:
            return {"detail": "upstream failed"}, 502
        return {"user": t1.result(), "orders": t2.result(), "stats": t3.result()}

    return app
