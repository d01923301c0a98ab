import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        async def safe(fetch):
            try:
                return await fetch()
            except Exception:
                return None

        user, orders, stats = await asyncio.gather(
            safe(fetch_user), safe(fetch_orders), safe(fetch_stats)
        )
        if not (user and orders and stats):
            raise HTTPException(status_code=502, detail="Upstream error")
        return {"user": user, "orders": orders, "stats": stats}

    return app
