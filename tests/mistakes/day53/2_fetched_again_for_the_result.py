import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        checks = await asyncio.gather(
            fetch_user(), fetch_orders(), fetch_stats(), return_exceptions=True
        )
        if any(isinstance(check, Exception) for check in checks):
            raise HTTPException(502, "the backend is down")
        user, orders, stats = await asyncio.gather(fetch_user(), fetch_orders(), fetch_stats())
        return {"user": user, "orders": orders, "stats": stats}

    return app
