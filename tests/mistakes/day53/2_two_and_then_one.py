import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        user, orders = await asyncio.gather(fetch_user(), fetch_orders(), return_exceptions=True)
        if isinstance(user, Exception) or isinstance(orders, Exception):
            raise HTTPException(502, "the services are not available")
        try:
            stats = await fetch_stats()
        except Exception:
            raise HTTPException(502, "the services are not available")
        return {"user": user, "orders": orders, "stats": stats}

    return app
