from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    async def call(fetch):
        try:
            return await fetch()
        except Exception:
            raise HTTPException(502, "a service does not answer") from None

    async def get_user():
        return await call(fetch_user)

    async def get_orders():
        return await call(fetch_orders)

    async def get_stats():
        return await call(fetch_stats)

    @app.get("/dashboard")
    async def dashboard(
        user: Annotated[Any, Depends(get_user)],
        orders: Annotated[Any, Depends(get_orders)],
        stats: Annotated[Any, Depends(get_stats)],
    ):
        return {"user": user, "orders": orders, "stats": stats}

    return app
