import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        tasks = [
            asyncio.ensure_future(fetch_user()),
            asyncio.ensure_future(fetch_orders()),
            asyncio.ensure_future(fetch_stats()),
        ]
        results = []
        try:
            for earliest in asyncio.as_completed(tasks):
                results.append(await earliest)
        except Exception:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            raise HTTPException(502, "could not fetch everything")
        return dict(zip(["user", "orders", "stats"], results))

    return app
