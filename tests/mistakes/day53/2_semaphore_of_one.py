import asyncio

from fastapi import FastAPI, HTTPException


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        limit = asyncio.Semaphore(1)

        async def limited(fetch):
            async with limit:
                return await fetch()

        results = await asyncio.gather(
            limited(fetch_user),
            limited(fetch_orders),
            limited(fetch_stats),
            return_exceptions=True,
        )
        if any(isinstance(r, BaseException) for r in results):
            raise HTTPException(502, "failed to load the dashboard")
        return dict(zip(("user", "orders", "stats"), results, strict=True))

    return app
