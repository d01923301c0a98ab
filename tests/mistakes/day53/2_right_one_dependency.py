import asyncio
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException


async def safe(coroutine):
    try:
        return await coroutine, None
    except Exception as error:
        return None, error


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    async def everything() -> dict[str, Any]:
        names = "user", "orders", "stats"
        pairs = await asyncio.gather(safe(fetch_user()), safe(fetch_orders()), safe(fetch_stats()))
        if any(error for _, error in pairs):
            raise HTTPException(502, "not all data could be fetched")
        return {name: value for name, (value, _) in zip(names, pairs, strict=True)}

    @app.get("/dashboard")
    async def dashboard(data: Annotated[dict[str, Any], Depends(everything)]):
        return data

    return app
