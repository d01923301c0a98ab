import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        queue = asyncio.Queue()

        async def produce(name, fetch):
            await queue.put((name, await fetch()))

        tasks = [
            asyncio.create_task(produce("user", fetch_user)),
            asyncio.create_task(produce("orders", fetch_orders)),
            asyncio.create_task(produce("stats", fetch_stats)),
        ]
        data = {}
        while len(data) < len(tasks):
            name, value = await queue.get()
            data[name] = value
        if any(task.exception() for task in tasks):
            raise HTTPException(502, "bad gateway")
        return data

    return app
