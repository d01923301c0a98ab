import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        results = await asyncio.gather(
            fetch_user(), fetch_orders(), fetch_stats(), return_exceptions=True
        )
        for result in results:
            if isinstance(result, Exception):
                raise HTTPException(502, "upstream failed")
        user, stats, orders = results
        return {"user": user, "orders": orders, "stats": stats}

    return app
