from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, FastAPI, Request


async def connection(request: Request):
    async with request.state.pool.acquire() as conn:
        yield conn


def exercise_1(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=5, max_size=5) as pool:
            yield {"pool": pool}

    app = FastAPI(lifespan=lifespan)

    @app.get("/time")
    async def time(conn: Annotated[Any, Depends(connection)]):
        row = await conn.fetchrow("select 1 as one")
        return {"ok": row["one"] == 1}

    return app
