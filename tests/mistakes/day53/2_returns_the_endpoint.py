import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        results = await asyncio.gather(
            fetch_user(), fetch_orders(), fetch_stats(), return_exceptions=True
        )
        if any(isinstance(r, Exception) for r in results):
            raise HTTPException(502, "upstream failed")
        return dict(zip(("user", "orders", "stats"), results))

    return dashboard
