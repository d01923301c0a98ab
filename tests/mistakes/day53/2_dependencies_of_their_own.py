from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    async def get_user():
        try:
            return await fetch_user()
        except Exception:
            raise HTTPException(502, "no user") from None

    async def get_orders():
        try:
            return await fetch_orders()
        except Exception:
            raise HTTPException(502, "no orders") from None

    async def get_stats():
        try:
            return await fetch_stats()
        except Exception:
            raise HTTPException(502, "no stats") from None

    @app.get("/dashboard")
    async def dashboard(
        user: Annotated[Any, Depends(get_user)],
        orders: Annotated[Any, Depends(get_orders)],
        stats: Annotated[Any, Depends(get_stats)],
    ):
        return {"user": user, "orders": orders, "stats": stats}

    return app
