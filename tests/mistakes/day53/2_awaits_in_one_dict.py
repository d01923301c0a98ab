import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        try:
            return {"user": await fetch_user(), "orders": await fetch_orders(), "stats": await fetch_stats()}
        except Exception:
            raise HTTPException(502, "no dashboard") from None

    return app
