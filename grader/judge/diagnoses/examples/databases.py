"""Examples of databases: statements, transactions, connections and pools."""

from __future__ import annotations

import textwrap

from ....model.scenarios import get, post, postgres, put, scenario, takes, times
from ...aspects.answers import elapsed, sorted_elapsed, statuses
from ...aspects.connections import at_most_open, committed_first, left_open, readings
from .example import example

_TABLE = """
create table items (id int, price int, name text);
insert into items values (1, 10, 'lamp'), (2, 20, 'desk');
"""
_READS = ("select id, price, name from items order by id",)
_SLOW = postgres(statement=1, seed_sql=_TABLE)
_STORED = postgres(statement=1, seed_sql=_TABLE, reads=_READS)


def with_pool(text: str, options: str = "min_size=1, max_size=2") -> str:
    """The lines of a factory that opens a pool in its lifespan."""
    return f"""
@asynccontextmanager
async def lifespan(app):
    async with asyncpg.create_pool(database, {options}) as app.state.pool:
        yield

app = FastAPI(lifespan=lifespan)

{textwrap.dedent(text).strip()}
"""


_UNIT_OF_WORK = """
    async def transaction():
        async with app.state.pool.acquire() as connection, connection.transaction():
            yield connection

    @app.put("/item")
    async def update(connection=Depends(transaction{scope})):
        await connection.execute("update items set price = 5 where id = 1")
    """
_READ = """
    @app.get("/item")
    async def read():
        async with app.state.pool.acquire() as connection:
            return await connection.fetchval("select price from items where id = 1")
    """

_POOLED = postgres(statement=1, seed_sql=_TABLE, pooler=3)
_ITEM = """
    @app.get("/items/{number}")
    async def item(number: int):
        return await app.state.pool.fetchval("select name from items where id = $1", number)
    """

EXAMPLES = (
    example(
        "sql-injection",
        scenario(post("/names", json={"name": "O'Neill the third"}), database=_STORED),
        with_pool("""
            @app.post("/names")
            async def add(body: dict):
                await app.state.pool.execute(f"insert into items values (3, 0, '{body['name']}')")
                return "done"
            """),
        with_pool("""
            @app.post("/names")
            async def add(body: dict):
                await app.state.pool.execute("insert into items values (3, 0, $1)", body["name"])
                return "done"
            """),
    ),
    example(
        "table-emptied",
        scenario(get("/item"), database=_STORED),
        """
        @asynccontextmanager
        async def lifespan(app):
            async with asyncpg.create_pool(database, min_size=1) as app.state.pool:
                await app.state.pool.execute("drop table if exists items")
                await app.state.pool.execute("create table items (id int, price int, name text)")
                yield

        app = FastAPI(lifespan=lifespan)

        @app.get("/item")
        async def read():
            return await app.state.pool.fetchval("select price from items where id = 1")
        """,
        """
        @asynccontextmanager
        async def lifespan(app):
            async with asyncpg.create_pool(database, min_size=1) as app.state.pool:
                yield

        app = FastAPI(lifespan=lifespan)

        @app.get("/item")
        async def read():
            return await app.state.pool.fetchval("select price from items where id = 1")
        """,
    ),
    example(
        "not-committed",
        scenario(put("/item", json=30), database=_STORED),
        with_pool("""
            @app.put("/item")
            async def change(price: int = Body()):
                async with app.state.pool.acquire() as connection:
                    transaction = connection.transaction()
                    await transaction.start()
                    await connection.execute("update items set price = $1 where id = 1", price)
                return "done"
            """),
        with_pool("""
            @app.put("/item")
            async def change(price: int = Body()):
                async with app.state.pool.acquire() as connection, connection.transaction():
                    await connection.execute("update items set price = $1 where id = 1", price)
                return "done"
            """),
        readings,
    ),
    example(
        "not-stored",
        scenario(put("/item", json=30), database=_STORED),
        with_pool("""
            prices = {}

            @app.put("/item")
            async def change(price: int = Body()):
                prices[1] = price
                return "done"
            """),
        with_pool("""
            @app.put("/item")
            async def change(price: int = Body()):
                await app.state.pool.execute("update items set price = $1 where id = 1", price)
                return "done"
            """),
        readings,
    ),
    example(
        "lost-update",
        scenario(post("/sold"), post("/sold"), database=_STORED),
        with_pool("""
            @app.post("/sold")
            async def sold():
                pool = app.state.pool
                price = await pool.fetchval("select price from items where id = 1")
                await pool.execute("update items set price = $1 where id = 1", price - 1)
                return "done"
            """),
        with_pool("""
            @app.post("/sold")
            async def sold():
                await app.state.pool.execute("update items set price = price - 1 where id = 1")
                return "done"
            """),
        readings,
    ),
    example(
        "conflict-not-retried",
        scenario(post("/sold"), post("/sold"), database=_STORED),
        with_pool("""
            @app.post("/sold")
            async def sold():
                async with app.state.pool.acquire() as connection:
                    async with connection.transaction(isolation="serializable"):
                        await connection.fetchval("select price from items where id = 1")
                        await connection.execute("update items set price = 9 where id = 1")
                return "done"
            """),
        with_pool("""
            @app.post("/sold")
            async def sold():
                await app.state.pool.execute("update items set price = price - 1 where id = 1")
                return "done"
            """),
    ),
    example(
        "query-per-row",
        scenario(get("/items"), database=_SLOW),
        with_pool("""
            @app.get("/items")
            async def items():
                ids = await app.state.pool.fetch("select id from items order by id")
                return [
                    await app.state.pool.fetchval("select name from items where id = $1", row["id"])
                    for row in ids
                ]
            """),
        with_pool("""
            @app.get("/items")
            async def items():
                rows = await app.state.pool.fetch("select name from items order by id")
                return [row["name"] for row in rows]
            """),
        elapsed,
    ),
    example(
        "queries-in-turn",
        scenario(get("/page"), database=_SLOW),
        with_pool("""
            @app.get("/page")
            async def page():
                lamp = await app.state.pool.fetchval("select price from items where id = 1")
                desk = await app.state.pool.fetchval("select price from items where id = 2")
                return [lamp, desk]
            """),
        with_pool("""
            @app.get("/page")
            async def page():
                return await asyncio.gather(
                    app.state.pool.fetchval("select price from items where id = 1"),
                    app.state.pool.fetchval("select price from items where id = 2"),
                )
            """),
        elapsed,
    ),
    example(
        "needless-query",
        scenario(get("/item"), database=_SLOW),
        with_pool("""
            @app.get("/item")
            async def read():
                if await app.state.pool.fetchval("select count(*) from items where id = 1"):
                    return await app.state.pool.fetchval("select price from items where id = 1")
            """),
        with_pool("""
            @app.get("/item")
            async def read():
                return await app.state.pool.fetchval("select price from items where id = 1")
            """),
        elapsed,
    ),
    example(
        "connection-leaked",
        scenario(*(get("/item", at=n) for n in range(4)), database=_SLOW),
        with_pool("""
            @app.get("/item")
            async def read():
                connection = await app.state.pool.acquire()
                return await connection.fetchval("select price from items where id = 1")
            """),
        with_pool(_READ),
    ),
    example(
        "two-connections-per-request",
        scenario(*times(3, get("/item")), database=_SLOW),
        with_pool("""
            async def price_of(name):
                query = "select price from items where name = $1"
                async with app.state.pool.acquire() as connection:
                    return await connection.fetchval(query, name)

            @app.get("/item")
            async def read():
                async with app.state.pool.acquire() as connection:
                    name = await connection.fetchval("select name from items where id = 1")
                    return await price_of(name)
            """),
        with_pool("""
            async def price_of(connection, name):
                query = "select price from items where name = $1"
                return await connection.fetchval(query, name)

            @app.get("/item")
            async def read():
                async with app.state.pool.acquire() as connection:
                    name = await connection.fetchval("select name from items where id = 1")
                    return await price_of(connection, name)
            """),
    ),
    example(
        "acquire-timeout",
        scenario(*times(4, get("/item")), database=_SLOW),
        with_pool("""
            @app.get("/item")
            async def read():
                async with app.state.pool.acquire(timeout=0.5) as connection:
                    return await connection.fetchval("select price from items where id = 1")
            """),
        with_pool(_READ),
    ),
    example(
        "full-pool-retried",
        scenario(*times(4, get("/item")), database=_SLOW),
        with_pool("""
            @app.get("/item")
            async def read():
                for is_last in (False, False, True):
                    try:
                        async with app.state.pool.acquire(timeout=0.4) as connection:
                            return await connection.fetchval("select price from items where id = 1")
                    except OSError:
                        if is_last:
                            raise HTTPException(503, headers={"Retry-After": "1"})
            """),
        with_pool("""
            @app.get("/item")
            async def read():
                try:
                    async with app.state.pool.acquire(timeout=0.4) as connection:
                        return await connection.fetchval("select price from items where id = 1")
                except TimeoutError:
                    raise HTTPException(503, headers={"Retry-After": "1"})
            """),
        statuses,
    ),
    example(
        "pool-not-opened",
        scenario(get("/item"), database=_SLOW),
        """
        pool = AsyncConnectionPool(database, open=False)

        @app.get("/item")
        async def read():
            async with pool.connection() as connection:
                found = await connection.execute("select price from items where id = 1")
                return (await found.fetchone())[0]
        """,
        """
        @asynccontextmanager
        async def lifespan(app):
            async with AsyncConnectionPool(database, open=False) as app.state.pool:
                yield

        app = FastAPI(lifespan=lifespan)

        @app.get("/item")
        async def read():
            async with app.state.pool.connection() as connection:
                found = await connection.execute("select price from items where id = 1")
                return (await found.fetchone())[0]
        """,
    ),
    example(
        "other-database",
        scenario(get("/item"), database=_SLOW),
        with_pool(_READ).replace(
            "create_pool(database", 'create_pool("postgresql://localhost:1/shop"'
        ),
        with_pool(_READ),
    ),
    example(
        "wrong-loop",
        scenario(get("/item"), database=_SLOW),
        with_pool("""
            @app.get("/item")
            def read():
                query = app.state.pool.fetchval("select price from items where id = 1")
                return asyncio.run(query)
            """),
        with_pool("""
            @app.get("/item")
            async def read():
                return await app.state.pool.fetchval("select price from items where id = 1")
            """),
    ),
    example(
        "concurrent-operations",
        scenario(get("/page"), database=_SLOW),
        with_pool("""
            @app.get("/page")
            async def page():
                async with app.state.pool.acquire() as connection:
                    return await asyncio.gather(
                        connection.fetchval("select price from items where id = 1"),
                        connection.fetchval("select price from items where id = 2"),
                    )
            """),
        with_pool("""
            @app.get("/page")
            async def page():
                return await asyncio.gather(
                    app.state.pool.fetchval("select price from items where id = 1"),
                    app.state.pool.fetchval("select price from items where id = 2"),
                )
            """),
    ),
    example(
        "pool-per-request",
        scenario(*(get("/item", at=5 * n) for n in range(3)), database=_SLOW),
        """
        @app.get("/item")
        async def read():
            async with asyncpg.create_pool(database, min_size=1) as pool:
                return await pool.fetchval("select price from items where id = 1")
        """,
        with_pool(_READ),
        at_most_open(2),
    ),
    example(
        "pool-too-large",
        scenario(*times(6, get("/item")), database=_SLOW),
        with_pool(_READ, "min_size=1, max_size=6"),
        with_pool(_READ),
        at_most_open(2),
    ),
    example(
        "pool-too-small",
        scenario(*times(4, get("/item")), database=_SLOW),
        with_pool(_READ, "min_size=1, max_size=1"),
        with_pool(_READ),
        sorted_elapsed,
    ),
    example(
        "pool-not-closed",
        scenario(get("/item"), database=_SLOW),
        """
        @asynccontextmanager
        async def lifespan(app):
            app.state.pool = await asyncpg.create_pool(database, min_size=1)
            yield

        app = FastAPI(lifespan=lifespan)

        @app.get("/item")
        async def read():
            return await app.state.pool.fetchval("select price from items where id = 1")
        """,
        with_pool(_READ),
        left_open,
    ),
    example(
        "connection-held-while-waiting",
        scenario(*times(4, get("/item")), database=_SLOW, fetch=takes(5, 3)),
        with_pool("""
            @app.get("/item")
            async def read():
                async with app.state.pool.acquire() as connection, connection.transaction():
                    price = await connection.fetchval("select price from items where id = 1")
                    return price * await fetch()
            """),
        with_pool("""
            @app.get("/item")
            async def read():
                factor = await fetch()
                async with app.state.pool.acquire() as connection, connection.transaction():
                    price = await connection.fetchval("select price from items where id = 1")
                return price * factor
            """),
        sorted_elapsed,
    ),
    example(
        "answered-before-commit",
        scenario(put("/item"), database=postgres(statement=1, round_trip=0.1, seed_sql=_TABLE)),
        with_pool(_UNIT_OF_WORK.replace("{scope}", "")),
        with_pool(_UNIT_OF_WORK.replace("{scope}", ', scope="function"')),
        committed_first,
    ),
    example(
        "session-state-lost",
        scenario(get("/items/1"), get("/items/2", at=5), database=_POOLED),
        with_pool(_ITEM),
        with_pool(_ITEM, "statement_cache_size=0"),
    ),
)
