import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()
    results = {}

    async def load(name, fetch):
        results[name] = await fetch()

    @app.get("/dashboard")
    async def dashboard():
        try:
            async with asyncio.TaskGroup() as tg:
                tg.create_task(load("user", fetch_user))
                tg.create_task(load("orders", fetch_orders))
                tg.create_task(load("stats", fetch_stats))
        except* Exception:
            raise HTTPException(502, "could not load the dashboard")
        return results

    return app
