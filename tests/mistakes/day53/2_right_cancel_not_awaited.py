import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        fetches = [
            asyncio.create_task(fetch_user()),
            asyncio.create_task(fetch_orders()),
            asyncio.create_task(fetch_stats()),
        ]
        try:
            user, orders, stats = await asyncio.gather(*fetches)
        except Exception:
            for task in fetches:
                task.cancel()
            raise HTTPException(502, detail="dashboard failed")
        return {"user": user, "orders": orders, "stats": stats}

    return app
