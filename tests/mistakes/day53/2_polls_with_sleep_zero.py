import asyncio

from fastapi import FastAPI, HTTPException


def ready(task):
    return task.done() and not task.exception()


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        tasks = [
            asyncio.create_task(fetch_user()),
            asyncio.create_task(fetch_orders()),
            asyncio.create_task(fetch_stats()),
        ]
        while not all(ready(task) for task in tasks):
            await asyncio.sleep(0)
        if any(task.exception() for task in tasks):
            raise HTTPException(502, "bad gateway")
        user, orders, stats = [task.result() for task in tasks]
        return {"user": user, "orders": orders, "stats": stats}

    return app
