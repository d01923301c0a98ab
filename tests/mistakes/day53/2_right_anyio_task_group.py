import anyio
from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        data = {"user": None, "orders": None, "stats": None}

        async def fill(key, fetch):
            data[key] = await fetch()

        try:
            async with anyio.create_task_group() as tg:
                tg.start_soon(fill, "user", fetch_user)
                tg.start_soon(fill, "orders", fetch_orders)
                tg.start_soon(fill, "stats", fetch_stats)
        except* Exception:
            raise HTTPException(502, "upstream failed") from None
        return data

    return app
