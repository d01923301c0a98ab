import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        user = asyncio.create_task(fetch_user())
        orders = asyncio.create_task(fetch_orders())
        stats = asyncio.create_task(fetch_stats())
        try:
            return {"user": await user, "orders": await orders, "stats": await stats}
        except Exception:
            raise HTTPException(502, "could not build the dashboard")
        finally:
            for task in (user, orders, stats):
                task.cancel()
            await asyncio.wait([user, orders, stats])

    return app
