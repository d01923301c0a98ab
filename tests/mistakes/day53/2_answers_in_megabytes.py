import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        try:
            fetched = await asyncio.gather(fetch_user(), fetch_orders(), fetch_stats())
        except Exception:
            raise HTTPException(502, "bad gateway")
        user, orders, stats = fetched
        return {"user": user, "orders": orders, "stats": stats, "padding": " " * 20_000_000}

    return app
