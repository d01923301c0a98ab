import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        tasks = [asyncio.create_task(fetch()) for fetch in (fetch_user, fetch_orders, fetch_stats)]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        if pending or any(task.exception() for task in done):
            raise HTTPException(502, "one of the services failed")
        user, orders, stats = (task.result() for task in tasks)
        return {"user": user, "orders": orders, "stats": stats}

    return app
