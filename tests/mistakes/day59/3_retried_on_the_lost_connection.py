import asyncio
import logging
from contextlib import asynccontextmanager

import asyncpg
from fastapi import Body, FastAPI, HTTPException

log = logging.getLogger("day59")
LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    OSError,
    asyncpg.exceptions.AdminShutdownError,
)


def exercise_3(dsn):
    # retries on the connection that is lost
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, max_size=5, min_size=1) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/stock/{sku}")
    async def read(sku: str):
        try:
            async with app.state.pool.acquire(timeout=1) as conn:
                for pause in (0.1, 0.2, None):
                    try:
                        row = await conn.fetchrow(
                            "select sku, quantity from stock where sku = $1", sku
                        )
                        break
                    except LOST:
                        if pause is None:
                            raise HTTPException(503)
                        await asyncio.sleep(pause)
                    except asyncpg.PostgresError:
                        log.exception("x")
                        raise HTTPException(500)
        except TimeoutError:
            raise HTTPException(503, headers={"Retry-After": "1"})
        if row is None:
            raise HTTPException(404)
        return dict(row)

    @app.post("/stock/{sku}")
    async def write(sku: str, change: int = Body(embed=True)):
        try:
            async with app.state.pool.acquire(timeout=1) as conn:
                row = await conn.fetchrow(
                    "update stock set quantity = quantity + $1 where sku = $2 returning sku, quantity",
                    change,
                    sku,
                )
        except TimeoutError:
            raise HTTPException(503, headers={"Retry-After": "1"})
        except LOST:
            raise HTTPException(503)
        except asyncpg.PostgresError:
            log.exception("x")
            raise HTTPException(500)
        if row is None:
            raise HTTPException(404)
        return dict(row)

    return app
