from typing import Annotated, Any

from fastapi import Depends, FastAPI
from psycopg_pool import AsyncConnectionPool


def exercise_1(dsn):
    app = FastAPI()

    async def get_pool():
        async with AsyncConnectionPool(dsn, min_size=1, max_size=5, open=False) as pool:
            yield pool

    @app.get("/time")
    async def time(pool: Annotated[Any, Depends(get_pool)]):
        async with pool.connection() as conn:
            await conn.execute("SELECT 1")
        return {"ok": True}

    return app
