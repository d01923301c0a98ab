"""Examples of connections, generators and streams: opened, shared, closed, or not."""

from __future__ import annotations

from ....model.scenarios import connects, get, rows, scenario, takes
from ...aspects.answers import elapsed, timed_lines
from ...aspects.calls import call_counts, call_endings
from ...aspects.connections import closed_before, resources
from .example import example

_CONNECTS = connects(0.2, query=takes(1, [1]), close=0.1)
_ONE = scenario(get("/page"), connect=_CONNECTS)
_TWO = scenario(get("/page"), get("/page"), connect=_CONNECTS)
_ROWS = scenario(get("/rows"), read_rows=rows([1, 2, 3], every=1))
_LEAVES = scenario(get("/rows", hangs_up_after=2), read_rows=rows([1, 2, 3], every=1))

_NOTIFIES = scenario(get("/page"), connect=_CONNECTS, notify=takes(5))

_KEPT = """
        async def connection():
            connection = await connect()
            try:
                yield connection
            finally:
                await connection.close()

        @app.get("/page")
        async def page(tasks: BackgroundTasks, connection=Depends(connection{scope})):
            tasks.add_task(notify)
            return await connection.query("select 1")
        """

_CLOSED = """
        @app.get("/page")
        async def page():
            connection = await connect()
            try:
                return await connection.query("select 1")
            finally:
                await connection.close()
        """
_STREAM = """
        async def lines():
            async for row in read_rows():
                yield f"{row}\\n"

        @app.get("/rows")
        async def stream():
            return StreamingResponse(lines())
        """

EXAMPLES = (
    example(
        "not-closed",
        _ONE,
        """
        @app.get("/page")
        async def page():
            connection = await connect()
            return await connection.query("select 1")
        """,
        _CLOSED,
        resources,
    ),
    example(
        "closed-twice",
        _ONE,
        """
        @app.get("/page")
        async def page():
            connection = await connect()
            try:
                found = await connection.query("select 1")
                await connection.close()
                return found
            finally:
                await connection.close()
        """,
        _CLOSED,
        resources,
    ),
    example(
        "closed-too-early",
        _ONE,
        """
        @app.get("/page")
        async def page():
            connection = await connect()
            await connection.close()
            return await connection.query("select 1")
        """,
        _CLOSED,
    ),
    example(
        "shared-connection",
        _TWO,
        """
        @asynccontextmanager
        async def lifespan(app):
            app.state.connection = await connect()
            yield
            await app.state.connection.close()

        app = FastAPI(lifespan=lifespan)

        @app.get("/page")
        async def page():
            return await app.state.connection.query("select 1")
        """,
        _CLOSED,
        resources,
    ),
    example(
        "stream-buffered",
        _ROWS,
        """
        async def lines():
            found = [row async for row in read_rows()]
            for row in found:
                yield f"{row}\\n"

        @app.get("/rows")
        async def stream():
            return StreamingResponse(lines())
        """,
        _STREAM,
        timed_lines,
    ),
    example(
        "stream-goes-on-too-long",
        _ROWS,
        """
        async def lines():
            async for row in read_rows():
                yield f"{row}\\n"
            await asyncio.sleep(2)

        @app.get("/rows")
        async def stream():
            return StreamingResponse(lines())
        """,
        _STREAM,
        elapsed,
    ),
    example(
        "generator-left-open",
        _LEAVES,
        """
        async def lines():
            queue = asyncio.Queue()

            async def read():
                async for row in read_rows():
                    queue.put_nowait(f"{row}\\n")

            reader = asyncio.create_task(read())
            while not (reader.done() and queue.empty()):
                yield await queue.get()

        @app.get("/rows")
        async def stream():
            return StreamingResponse(lines())
        """,
        _STREAM,
        call_endings,
    ),
    example(
        "closed-too-late",
        _NOTIFIES,
        _KEPT.replace("{scope}", ""),
        _KEPT.replace("{scope}", ', scope="function"'),
        closed_before("notify"),
    ),
    example(
        "called-in-vain",
        scenario(get("/plain"), fetch=takes(1, "Ada")),
        """
        app = FastAPI(dependencies=[Depends(fetch)])

        @app.get("/page")
        async def page(user=Depends(fetch)):
            return user

        @app.get("/plain")
        async def plain():
            return "plain"
        """,
        """
        @app.get("/page")
        async def page(user=Depends(fetch)):
            return user

        @app.get("/plain")
        async def plain():
            return "plain"
        """,
        call_counts,
    ),
)
