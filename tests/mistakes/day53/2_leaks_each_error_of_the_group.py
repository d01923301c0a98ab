import asyncio

from fastapi import FastAPI
from fastapi.responses import JSONResponse


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        try:
            async with asyncio.TaskGroup() as tg:
                user = tg.create_task(fetch_user())
                orders = tg.create_task(fetch_orders())
                stats = tg.create_task(fetch_stats())
        except* Exception as group:
            errors = [repr(error) for error in group.exceptions]
        else:
            return {"user": user.result(), "orders": orders.result(), "stats": stats.result()}
        return JSONResponse({"detail": "bad gateway", "errors": errors}, status_code=502)

    return app
