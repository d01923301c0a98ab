import asyncio

from fastapi import FastAPI
from fastapi.responses import JSONResponse


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        fetches = {"user": fetch_user, "orders": fetch_orders, "stats": fetch_stats}
        tasks = [asyncio.create_task(fetch(), name=name) for name, fetch in fetches.items()]
        answer = {}
        try:
            for result in asyncio.as_completed(tasks):
                answer[result.get_name()] = await result
        except Exception:
            for task in tasks:
                task.cancel()
            return JSONResponse({"detail": "upstream failed"}, 502)
        return answer

    return app
