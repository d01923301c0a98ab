"""Examples of errors: those of the program's own, and those that nothing handles."""

from __future__ import annotations

from ....model.scenarios import (
    Fault,
    connects,
    fails,
    get,
    post,
    postgres,
    rows,
    scenario,
    takes,
)
from ....model.trace import Trace
from ...aspects.answers import header, mentions, statuses
from ...aspects.aspect import aspect
from ...aspects.calls import arguments
from .example import example


@aspect()
def printed(trace: Trace) -> tuple[str, ...]:
    """What the app has printed."""
    return (trace.output,)


_FAILS = scenario(get("/page"), fetch=fails(1, "ConnectionError", "db1.internal refused"))
_PAGE = scenario(get("/page"))

EXAMPLES = (
    example(
        "raised",
        scenario(get("/page"), fetch=takes(1, {"name": "Ada"})),
        """
        @app.get("/page")
        async def page():
            user = await fetch()
            return user.name
        """,
        """
        @app.get("/page")
        async def page():
            user = await fetch()
            return user["name"]
        """,
    ),
    example(
        "error-hidden",
        scenario(get("/page"), fetch=takes(1, {"name": "Ada"})),
        """
        @app.get("/page")
        async def page():
            try:
                user = await fetch()
                return user.name
            except Exception:
                raise HTTPException(502, "no user") from None
        """,
        """
        @app.get("/page")
        async def page():
            try:
                user = await fetch()
            except ConnectionError:
                raise HTTPException(502, "no user") from None
            return user["name"]
        """,
    ),
    example(
        "unhandled-error",
        _FAILS,
        """
        @app.get("/page")
        async def page():
            return await fetch()
        """,
        """
        @app.get("/page")
        async def page():
            try:
                return await fetch()
            except ConnectionError:
                raise HTTPException(502, "no data") from None
        """,
        statuses,
    ),
    example(
        "error-swallowed",
        _FAILS,
        """
        @app.get("/page")
        async def page():
            try:
                return await fetch()
            except ConnectionError:
                return []
        """,
        """
        @app.get("/page")
        async def page():
            try:
                return await fetch()
            except ConnectionError:
                raise HTTPException(502, "no data") from None
        """,
        statuses,
    ),
    example(
        "error-leaked",
        _FAILS,
        """
        @app.get("/page")
        async def page():
            try:
                return await fetch()
            except ConnectionError as error:
                raise HTTPException(502, str(error)) from None
        """,
        """
        @app.get("/page")
        async def page():
            try:
                return await fetch()
            except ConnectionError:
                raise HTTPException(502, "no data") from None
        """,
        mentions("db1.internal refused"),
    ),
    example(
        "failure-unsaid",
        _FAILS,
        """
        @app.get("/page")
        async def page():
            try:
                return {"data": await fetch(), "errors": {}}
            except ConnectionError:
                return {"data": None, "errors": {}}
        """,
        """
        @app.get("/page")
        async def page():
            try:
                return {"data": await fetch(), "errors": {}}
            except ConnectionError as error:
                return {"data": None, "errors": {"fetch": type(error).__name__}}
        """,
    ),
    example(
        "wrong-error-name",
        _FAILS,
        """
        @app.get("/page")
        async def page():
            try:
                return {"data": await fetch(), "errors": {}}
            except ConnectionError:
                return {"data": None, "errors": {"fetch": "failed"}}
        """,
        """
        @app.get("/page")
        async def page():
            try:
                return {"data": await fetch(), "errors": {}}
            except ConnectionError as error:
                return {"data": None, "errors": {"fetch": type(error).__name__}}
        """,
    ),
    example(
        "dependency-swallows",
        scenario(get("/page"), connect=connects(1, query=fails(1, "RuntimeError", "no table"))),
        """
        async def connection():
            opened = await connect()
            try:
                yield opened
            except RuntimeError:
                print("the query failed")
            finally:
                await opened.close()

        @app.get("/page")
        async def page(connection=Depends(connection)):
            return await connection.query("select 1")
        """,
        """
        async def connection():
            opened = await connect()
            try:
                yield opened
            except RuntimeError:
                raise HTTPException(502, "the query failed") from None
            finally:
                await opened.close()

        @app.get("/page")
        async def page(connection=Depends(connection)):
            return await connection.query("select 1")
        """,
        statuses,
    ),
    example(
        "response-does-not-fit",
        _PAGE,
        """
        @app.get("/page")
        async def page() -> dict[str, int]:
            return {"count": "many"}
        """,
        """
        @app.get("/page")
        async def page() -> dict[str, int]:
            return {"count": 3}
        """,
    ),
    example(
        "scenario-fault-unhandled",
        scenario(
            get("/page"),
            database=postgres(faults=[Fault(does="fail", matching="select 1", sqlstate="57014")]),
        ),
        """
        @app.get("/page")
        async def page():
            connection = await asyncpg.connect(database)
            try:
                return await connection.fetchval("select 1")
            finally:
                await connection.close()
        """,
        """
        @app.get("/page")
        async def page():
            connection = await asyncpg.connect(database)
            try:
                return await connection.fetchval("select 1")
            except asyncpg.PostgresError:
                raise HTTPException(503, "the database is busy") from None
            finally:
                await connection.close()
        """,
        statuses,
    ),
    example(
        "missing-route",
        _PAGE,
        """
        @app.get("/pages")
        async def page():
            return "done"
        """,
        """
        @app.get("/page")
        async def page():
            return "done"
        """,
    ),
    example(
        "request-refused",
        scenario(post("/names", json={"name": "Ada"})),
        """
        @app.post("/names")
        async def add(name: str):
            return name
        """,
        """
        class Named(BaseModel):
            name: str

        @app.post("/names")
        async def add(named: Named):
            return named.name
        """,
    ),
    example(
        "bad-request-accepted",
        scenario(post("/names", json=["Ada"])),
        """
        @app.post("/names")
        async def add(request: Request):
            return await request.json()
        """,
        """
        class Named(BaseModel):
            name: str

        @app.post("/names")
        async def add(named: Named):
            return named.name
        """,
        statuses,
    ),
    example(
        "wrong-status",
        scenario(post("/names", json={"name": "Ada"})),
        """
        @app.post("/names")
        async def add(body: dict):
            return body
        """,
        """
        @app.post("/names", status_code=201)
        async def add(body: dict):
            return body
        """,
        statuses,
    ),
    example(
        "different",
        scenario(get("/page")),
        """
        @app.get("/page")
        async def page():
            return "done"
        """,
        """
        @app.get("/page")
        async def page():
            print("asked for the page")
            return "done"
        """,
        printed,
    ),
    example(
        "wrong-argument",
        scenario(get("/page?text=Ada"), search=takes(1, [], parameters=["text"])),
        """
        @app.get("/page")
        async def page(text: str):
            return await search(text.lower())
        """,
        """
        @app.get("/page")
        async def page(text: str):
            return await search(text)
        """,
        arguments,
    ),
    example(
        "generator-shared",
        scenario(get("/rows"), get("/rows", at=5), read_rows=rows([1, 2], every=1)),
        """
        source = read_rows()

        @app.get("/rows")
        async def page():
            return [row async for row in source]
        """,
        """
        @app.get("/rows")
        async def page():
            return [row async for row in read_rows()]
        """,
    ),
    example(
        "wrong-header",
        _PAGE,
        """
        @app.get("/page")
        async def page(request: Request):
            if "authorization" not in request.headers:
                raise HTTPException(401, "who are you?")
        """,
        """
        @app.get("/page")
        async def page(request: Request):
            if "authorization" not in request.headers:
                raise HTTPException(401, "who are you?", {"WWW-Authenticate": "Bearer"})
        """,
        header("www-authenticate"),
    ),
)
