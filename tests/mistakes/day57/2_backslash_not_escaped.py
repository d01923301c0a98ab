from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, Query
from psycopg.rows import dict_row, scalar_row
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
        escaped = search.replace("%", "\\%").replace("_", "\\_")
        values = {
            "search": f"%{escaped}%",
            "limit": results_per_page,
            "offset": (page - 1) * results_per_page,
        }
        async with pool.connection() as conn:
            count = conn.cursor(row_factory=scalar_row)
            await count.execute(
                "SELECT count(*) FROM users WHERE is_active AND username ILIKE %(search)s", values
            )
            total = await count.fetchone()
            found = conn.cursor(row_factory=dict_row)
            await found.execute(
                "SELECT id, username, email FROM users"
                " WHERE is_active AND username ILIKE %(search)s"
                " ORDER BY id LIMIT %(limit)s OFFSET %(offset)s",
                values,
            )
            return {"total": total, "results": await found.fetchall()}

    return app
