from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
from fastapi import FastAPI, Query
from pydantic import StringConstraints


def exercise_2(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/users")
    async def users(
        page: Annotated[int, Query(ge=1)] = 1,
        results_per_page: Annotated[int, Query(ge=1, le=100)] = 13,
        search: Annotated[str, StringConstraints(strip_whitespace=True, max_length=50)] = "",
    ):
        where = "is_active AND strpos(username, $1) > 0"
        async with app.state.pool.acquire() as conn:
            total = await conn.fetchval(f"SELECT count(*) FROM users WHERE {where}", search)
            rows = await conn.fetch(
                f"SELECT id, username, email FROM users WHERE {where}"
                " ORDER BY id LIMIT $2 OFFSET $3",
                search,
                results_per_page,
                (page - 1) * results_per_page,
            )
        return {"total": total, "results": [dict(row) for row in rows]}

    return app
