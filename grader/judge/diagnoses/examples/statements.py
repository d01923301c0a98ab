"""Examples of statements: what they read, what they take a text for, what of them is committed."""

from __future__ import annotations

from ....model.scenarios import Fault, get, post, postgres, scenario
from ....model.trace import Trace
from ...aspects.answers import lines_as_json
from ...aspects.aspect import aspect
from ...aspects.connections import readings, statements_of
from .databases import with_pool
from .example import example

_TABLE = """
create table items (id int, price int, name text);
insert into items select n, n, 'item ' || n from generate_series(1, 5) n;
insert into items values (6, 0, '100%'), (7, 0, '1000');
"""
_PRICES = "select id, price from items where id < 3 order by id"
_FAILING = Fault(does="fail", at=2, when="serving")
_OTHERS = {1.5: "delete from items where id = 1"}


@aspect("lines")
def _rows_at_a_time(trace: Trace) -> tuple[str, ...]:
    """How many rows are read at a time, at the most."""
    counts = [span.count for e in trace.exchanges for span in statements_of(trace, e)]
    return (f"{max(counts, default=0)} rows at a time",)


EXAMPLES = (
    example(
        "text-as-pattern",
        scenario(get("/items", query={"text": "0%"}), database=postgres(seed_sql=_TABLE)),
        with_pool("""
            @app.get("/items")
            async def find(text: str):
                sql = "select name from items where name ilike '%' || $1 || '%'"
                return [row["name"] for row in await app.state.pool.fetch(sql, text)]
            """),
        with_pool("""
            @app.get("/items")
            async def find(text: str):
                sql = "select name from items where position(lower($1) in lower(name)) > 0"
                return [row["name"] for row in await app.state.pool.fetch(sql, text)]
            """),
    ),
    example(
        "counted-the-page",
        scenario(get("/items"), database=postgres(seed_sql=_TABLE)),
        with_pool("""
            @app.get("/items")
            async def page():
                rows = await app.state.pool.fetch("select name from items order by id limit 3")
                return {"total": len(rows), "results": [row["name"] for row in rows]}
            """),
        with_pool("""
            @app.get("/items")
            async def page():
                total = await app.state.pool.fetchval("select count(*) from items")
                rows = await app.state.pool.fetch("select name from items order by id limit 3")
                return {"total": total, "results": [row["name"] for row in rows]}
            """),
    ),
    example(
        "rows-read-at-once",
        scenario(get("/items"), database=postgres(1, seed_sql=_TABLE)),
        with_pool("""
            @app.get("/items")
            async def export():
                async def lines():
                    for row in await app.state.pool.fetch("select id from items order by id"):
                        yield json.dumps(dict(row)) + "\\n"

                return StreamingResponse(lines())
            """),
        with_pool("""
            @app.get("/items")
            async def export():
                async def lines():
                    async with app.state.pool.acquire() as conn, conn.transaction():
                        cursor = conn.cursor("select id from items order by id", prefetch=2)
                        async for row in cursor:
                            yield json.dumps(dict(row)) + "\\n"

                return StreamingResponse(lines())
            """),
        _rows_at_a_time,
    ),
    example(
        "several-snapshots",
        scenario(get("/items"), database=postgres(1, seed_sql=_TABLE, meanwhile=_OTHERS)),
        with_pool("""
            @app.get("/items")
            async def export():
                async def lines():
                    for offset in (0, 2, 4, 6):
                        sql = f"select id from items order by id limit 2 offset {offset}"
                        for row in await app.state.pool.fetch(sql):
                            yield json.dumps(dict(row)) + "\\n"

                return StreamingResponse(lines())
            """),
        with_pool("""
            @app.get("/items")
            async def export():
                async def lines():
                    async with app.state.pool.acquire() as conn, conn.transaction():
                        cursor = conn.cursor("select id from items order by id", prefetch=2)
                        async for row in cursor:
                            yield json.dumps(dict(row)) + "\\n"

                return StreamingResponse(lines())
            """),
        lines_as_json,
    ),
    example(
        "not-atomic",
        scenario(
            post("/swap"),
            database=postgres(1, seed_sql=_TABLE, reads=[_PRICES], faults=[_FAILING]),
        ),
        with_pool("""
            @app.post("/swap")
            async def swap():
                try:
                    async with app.state.pool.acquire() as conn:
                        await conn.execute("update items set price = 2 where id = 1")
                        await conn.execute("update items set price = 1 where id = 2")
                except asyncpg.PostgresError:
                    raise HTTPException(503)
            """),
        with_pool("""
            @app.post("/swap")
            async def swap():
                try:
                    async with app.state.pool.acquire() as conn, conn.transaction():
                        await conn.execute("update items set price = 2 where id = 1")
                        await conn.execute("update items set price = 1 where id = 2")
                except asyncpg.PostgresError:
                    raise HTTPException(503)
            """),
        readings,
    ),
    example(
        "refused-and-kept",
        scenario(post("/pay"), database=postgres(1, seed_sql=_TABLE, reads=[_PRICES])),
        with_pool("""
            @app.post("/pay")
            async def pay():
                async with app.state.pool.acquire() as conn, conn.transaction():
                    await conn.execute("update items set price = price - 1 where id = 1")
                    if await conn.fetchval("select price < 1 from items where id = 1"):
                        return Response(status_code=409)
            """),
        with_pool("""
            @app.post("/pay")
            async def pay():
                async with app.state.pool.acquire() as conn, conn.transaction():
                    await conn.execute("update items set price = price - 1 where id = 1")
                    if await conn.fetchval("select price < 1 from items where id = 1"):
                        raise HTTPException(409)
            """),
        readings,
    ),
)
