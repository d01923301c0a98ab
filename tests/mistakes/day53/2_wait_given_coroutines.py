import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        done, pending = await asyncio.wait([fetch_user(), fetch_orders(), fetch_stats()])
        if any(d.exception() for d in done):
            raise HTTPException(502, "bad gateway")
        user, orders, stats = [d.result() for d in done]
        return {"user": user, "orders": orders, "stats": stats}

    return app
