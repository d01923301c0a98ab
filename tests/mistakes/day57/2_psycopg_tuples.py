from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, Query
from psycopg_pool import AsyncConnectionPool
from pydantic import StringConstraints


def exercise_2(dsn):
    pool = AsyncConnectionPool(dsn, min_size=1, max_size=5, open=False)

    @asynccontextmanager
    async def lifespan(app):
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/users")
    async def users(
        page: Annotated[int, Query(ge=1)] = 1,
        results_per_page: Annotated[int, Query(ge=1, le=100)] = 13,
        search: Annotated[str, StringConstraints(strip_whitespace=True, max_length=50)] = "",
    ):
        where = "is_active AND strpos(lower(username), lower(%s)) > 0"
        async with pool.connection() as conn:
            count = await conn.execute(f"SELECT count(*) FROM users WHERE {where}", [search])
            (total,) = await count.fetchone()
            found = await conn.execute(
                f"SELECT id, username, email FROM users WHERE {where}"
                " ORDER BY id LIMIT %s OFFSET %s",
                [search, results_per_page, (page - 1) * results_per_page],
            )
            return {"total": total, "results": await found.fetchall()}

    return app
