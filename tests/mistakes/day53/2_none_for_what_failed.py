import asyncio
import logging

from fastapi import FastAPI

logger = logging.getLogger(__name__)


async def safe(coro):
    try:
        return await coro
    except Exception:
        logger.exception("fetch failed")
        return None


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        user, orders, stats = await asyncio.gather(
            safe(fetch_user()), safe(fetch_orders()), safe(fetch_stats())
        )
        return {"user": user, "orders": orders, "stats": stats}

    return app
