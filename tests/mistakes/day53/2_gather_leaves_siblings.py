import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        try:
            user, orders, stats = await asyncio.gather(fetch_user(), fetch_orders(), fetch_stats())
        except Exception:
            raise HTTPException(status_code=502, detail="Bad Gateway")
        return {"user": user, "orders": orders, "stats": stats}

    return app
