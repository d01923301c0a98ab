"""Examples of answers with the right status and the wrong body."""

from __future__ import annotations

from ....model.scenarios import get, postgres, put, scenario, takes
from ...aspects.answers import media_types
from .example import example

_PAGE = scenario(get("/page"))
_USER = scenario(get("/page"), user=takes(1, {"name": "Ada"}), orders=takes(1, [1, 2]))
_ITEMS = postgres(
    seed_sql="create table items (id int, name text);"
    "insert into items values (1, 'lamp'), (2, 'desk')"
)


def _returns(value: str) -> str:
    return f'@app.get("/page")\nasync def page():\n    return {value}'


EXAMPLES = (
    example(
        "nothing-returned",
        _PAGE,
        """
        @app.get("/page")
        async def page():
            answer = {"name": "Ada"}
        """,
        _returns('{"name": "Ada"}'),
    ),
    example(
        "encoded-twice", _PAGE, _returns('json.dumps({"name": "Ada"})'), _returns('{"name": "Ada"}')
    ),
    example(
        "not-json",
        _PAGE,
        """
        @app.get("/page")
        async def page():
            return PlainTextResponse(str({"name": "Ada"}))
        """,
        _returns('{"name": "Ada"}'),
    ),
    example(
        "wrong-media-type",
        _PAGE,
        """
        @app.get("/page")
        async def page():
            lines = iter(['{"n": 1}', '{"n": 2}'])
            return StreamingResponse(lines, media_type="application/json")
        """,
        """
        @app.get("/page")
        async def page():
            lines = iter(['{"n": 1}', '{"n": 2}'])
            return StreamingResponse(lines, media_type="application/x-ndjson")
        """,
        media_types,
    ),
    example(
        "tasks-returned",
        _USER,
        """
        @app.get("/page")
        async def page():
            async with asyncio.TaskGroup() as group:
                first = group.create_task(user())
                second = group.create_task(orders())
            return {"user": first, "orders": second}
        """,
        """
        @app.get("/page")
        async def page():
            async with asyncio.TaskGroup() as group:
                first = group.create_task(user())
                second = group.create_task(orders())
            return {"user": first.result(), "orders": second.result()}
        """,
    ),
    example("wrapped", _PAGE, _returns('{"data": {"name": "Ada"}}'), _returns('{"name": "Ada"}')),
    example("bare", _PAGE, _returns('["Ada", "Bob"]'), _returns('{"users": ["Ada", "Bob"]}')),
    example(
        "wrong-order",
        scenario(get("/items"), database=_ITEMS),
        """
        @app.get("/items")
        async def items():
            connection = await asyncpg.connect(database)
            rows = await connection.fetch("select id, name from items order by name")
            await connection.close()
            return rows
        """,
        """
        @app.get("/items")
        async def items():
            connection = await asyncpg.connect(database)
            rows = await connection.fetch("select id, name from items order by id")
            await connection.close()
            return rows
        """,
    ),
    example(
        "kept-between-requests",
        scenario(get("/page?text=a"), get("/page?text=b")),
        """
        found = {}

        @app.get("/page")
        async def page(text: str):
            found[text] = len(text)
            return found
        """,
        """
        @app.get("/page")
        async def page(text: str):
            found = {}
            found[text] = len(text)
            return found
        """,
    ),
    example(
        "change-lost",
        scenario(put("/item", json={"price": 0}), get("/item")),
        """
        item = {"price": 20}

        @app.put("/item", status_code=204)
        async def change(body: dict):
            item["price"] = body["price"] or item["price"]

        @app.get("/item")
        async def read():
            return item
        """,
        """
        item = {"price": 20}

        @app.put("/item", status_code=204)
        async def change(body: dict):
            item["price"] = body["price"]

        @app.get("/item")
        async def read():
            return item
        """,
    ),
    example(
        "swapped-values",
        _USER,
        """
        @app.get("/page")
        async def page():
            first, second = await asyncio.gather(orders(), user())
            return {"user": first, "orders": second}
        """,
        """
        @app.get("/page")
        async def page():
            first, second = await asyncio.gather(user(), orders())
            return {"user": first, "orders": second}
        """,
    ),
    example("renamed-member", _PAGE, _returns('{"user_name": "Ada"}'), _returns('{"name": "Ada"}')),
    example(
        "missing-member",
        _PAGE,
        """
        @app.get("/page")
        async def page():
            found = {"name": "Ada", "visits": 0}
            return {key: value for key, value in found.items() if value}
        """,
        """
        @app.get("/page")
        async def page():
            found = {"name": "Ada", "visits": 0}
            return {key: value for key, value in found.items() if value is not None}
        """,
    ),
    example(
        "extra-member",
        _PAGE,
        _returns('{"name": "Ada", "password": "x"}'),
        _returns('{"name": "Ada"}'),
    ),
    example("wrong-type", _PAGE, _returns('{"count": "3"}'), _returns('{"count": 3}')),
    example("wrong-length", _PAGE, _returns("list(range(30))[:10]"), _returns("list(range(30))")),
    example("wrong-body", _PAGE, _returns('{"state": "done"}'), _returns('{"state": "accepted"}')),
)
