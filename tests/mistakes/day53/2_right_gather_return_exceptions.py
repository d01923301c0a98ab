import asyncio
import logging

from fastapi import FastAPI, HTTPException

log = logging.getLogger("dashboard")


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        results = await asyncio.gather(
            fetch_user(), fetch_orders(), fetch_stats(), return_exceptions=True
        )
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            for failure in failures:
                log.error("a fetch failed", exc_info=failure)
            raise HTTPException(status_code=502, detail="Bad Gateway")
        user, orders, stats = results
        return {"user": user, "orders": orders, "stats": stats}

    return app
