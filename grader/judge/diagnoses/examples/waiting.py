"""Examples of what waits for what, what blocks, and when it is given up."""

from __future__ import annotations

from ....model.scenarios import fails, get, scenario, takes, times
from ...aspects.answers import elapsed, statuses
from ...aspects.calls import call_counts, call_endings, left_running
from .example import example

_TWO = scenario(get("/page"), user=takes(1, "Ada"), orders=takes(2, [1, 2]))
_SLOW = scenario(get("/page"), fetch=takes(5, "late"))

EXAMPLES = (
    example(
        "awaited-in-turn",
        _TWO,
        """
        @app.get("/page")
        async def page():
            return {"user": await user(), "orders": await orders()}
        """,
        """
        @app.get("/page")
        async def page():
            found = await asyncio.gather(user(), orders())
            return {"user": found[0], "orders": found[1]}
        """,
        elapsed,
    ),
    example(
        "loop-blocked",
        scenario(*times(3, get("/page"))),
        """
        @app.get("/page")
        async def page():
            time.sleep(1)
            return "done"
        """,
        """
        @app.get("/page")
        async def page():
            await asyncio.sleep(1)
            return "done"
        """,
        elapsed,
    ),
    example(
        "thread-pool-exhausted",
        scenario(*times(5, get("/page")), threads=2),
        """
        @app.get("/page")
        def page():
            time.sleep(1)
            return "done"
        """,
        """
        @app.get("/page")
        async def page():
            await asyncio.sleep(1)
            return "done"
        """,
        elapsed,
    ),
    example(
        "serialized",
        scenario(*times(3, get("/page")), fetch=takes(1, "data")),
        """
        lock = asyncio.Lock()

        @app.get("/page")
        async def page():
            async with lock:
                return await fetch()
        """,
        """
        @app.get("/page")
        async def page():
            return await fetch()
        """,
        elapsed,
    ),
    example(
        "never-awaited",
        scenario(get("/page")),
        """
        @app.get("/page")
        async def page():
            asyncio.sleep(1)
            return "done"
        """,
        """
        @app.get("/page")
        async def page():
            await asyncio.sleep(1)
            return "done"
        """,
        elapsed,
    ),
    example(
        "answered-without-asking",
        scenario(get("/page"), get("/page", at=5), fetch=takes(1, "data")),
        """
        kept = []

        @app.get("/page")
        async def page():
            if not kept:
                kept.append(await fetch())
            return kept[0]
        """,
        """
        @app.get("/page")
        async def page():
            return await fetch()
        """,
        elapsed,
    ),
    example(
        "wait-too-long",
        scenario(get("/page")),
        """
        @app.get("/page")
        async def page():
            await asyncio.sleep(1500)
            return "done"
        """,
        """
        @app.get("/page")
        async def page():
            await asyncio.sleep(1.5)
            return "done"
        """,
        elapsed,
    ),
    example(
        "wrong-time",
        scenario(get("/page")),
        """
        @app.get("/page")
        async def page():
            await asyncio.sleep(3)
            return "done"
        """,
        """
        @app.get("/page")
        async def page():
            await asyncio.sleep(2)
            return "done"
        """,
        elapsed,
    ),
    example(
        "no-timeout",
        _SLOW,
        """
        @app.get("/page")
        async def page():
            return await fetch()
        """,
        """
        @app.get("/page")
        async def page():
            try:
                async with asyncio.timeout(2):
                    return await fetch()
            except TimeoutError:
                raise HTTPException(504, "too slow") from None
        """,
        statuses,
    ),
    example(
        "late-timeout",
        _SLOW,
        """
        @app.get("/page")
        async def page():
            try:
                async with asyncio.timeout(3):
                    return await fetch()
            except TimeoutError:
                raise HTTPException(504, "too slow") from None
        """,
        """
        @app.get("/page")
        async def page():
            try:
                async with asyncio.timeout(2):
                    return await fetch()
            except TimeoutError:
                raise HTTPException(504, "too slow") from None
        """,
        elapsed,
    ),
    example(
        "early-timeout",
        scenario(get("/page"), fetch=takes(1.5, "data")),
        """
        @app.get("/page")
        async def page():
            try:
                async with asyncio.timeout(1):
                    return await fetch()
            except TimeoutError:
                raise HTTPException(504, "too slow") from None
        """,
        """
        @app.get("/page")
        async def page():
            try:
                async with asyncio.timeout(2):
                    return await fetch()
            except TimeoutError:
                raise HTTPException(504, "too slow") from None
        """,
    ),
    example(
        "not-cancelled",
        _SLOW,
        """
        @app.get("/page")
        async def page():
            task = asyncio.create_task(fetch())
            done, pending = await asyncio.wait({task}, timeout=2)
            if pending:
                raise HTTPException(504, "too slow")
            return task.result()
        """,
        """
        @app.get("/page")
        async def page():
            try:
                return await asyncio.wait_for(fetch(), timeout=2)
            except TimeoutError:
                raise HTTPException(504, "too slow") from None
        """,
        call_endings,
    ),
    example(
        "cancellation-swallowed",
        _SLOW,
        """
        @app.get("/page")
        async def page():
            async def try_it():
                try:
                    return await fetch()
                except BaseException:
                    await asyncio.sleep(1)
                    return "nothing"

            try:
                return await asyncio.wait_for(try_it(), timeout=2)
            except TimeoutError:
                raise HTTPException(504, "too slow") from None
        """,
        """
        @app.get("/page")
        async def page():
            async def try_it():
                try:
                    return await fetch()
                except Exception:
                    return "nothing"

            try:
                return await asyncio.wait_for(try_it(), timeout=2)
            except TimeoutError:
                raise HTTPException(504, "too slow") from None
        """,
    ),
    example(
        "called-twice",
        scenario(get("/page"), fetch=takes(1, [1, 2])),
        """
        @app.get("/page")
        async def page():
            return {"count": len(await fetch()), "rows": await fetch()}
        """,
        """
        @app.get("/page")
        async def page():
            rows = await fetch()
            return {"count": len(rows), "rows": rows}
        """,
        call_counts,
    ),
    example(
        "not-called",
        scenario(get("/page"), fetch=takes(1, "data")),
        """
        async def fetch_it():
            await asyncio.sleep(1)
            return "sample data"

        @app.get("/page")
        async def page():
            return await fetch_it()
        """,
        """
        @app.get("/page")
        async def page():
            return await fetch()
        """,
        call_counts,
    ),
    example(
        "task-left-running",
        scenario(get("/page"), user=fails(1), orders=takes(3)),
        """
        @app.get("/page")
        async def page():
            try:
                return await asyncio.gather(user(), orders())
            except ConnectionError:
                raise HTTPException(502, "no data") from None
        """,
        """
        @app.get("/page")
        async def page():
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(user()), group.create_task(orders())]
            except* ConnectionError:
                raise HTTPException(502, "no data") from None
            return [task.result() for task in tasks]
        """,
        left_running,
    ),
    example(
        "race",
        scenario(get("/hello/Ada"), get("/hello/Bob", at=0.5), fetch=takes(1, "Hello")),
        """
        current = {}

        @app.get("/hello/{name}")
        async def hello(name: str):
            current["name"] = name
            word = await fetch()
            return f"{word}, {current['name']}"
        """,
        """
        @app.get("/hello/{name}")
        async def hello(name: str):
            word = await fetch()
            return f"{word}, {name}"
        """,
    ),
    example(
        "stuck",
        scenario(get("/page")),
        """
        queue = asyncio.Queue()

        @app.get("/page")
        async def page():
            return await queue.get()
        """,
        """
        queue = asyncio.Queue()

        @app.get("/page")
        async def page():
            queue.put_nowait("data")
            return await queue.get()
        """,
    ),
    example(
        "endless-loop",
        scenario(get("/page"), fetch=takes(1, "data")),
        """
        @app.get("/page")
        async def page():
            task = asyncio.create_task(fetch())
            while not task.done():
                pass
            return task.result()
        """,
        """
        @app.get("/page")
        async def page():
            task = asyncio.create_task(fetch())
            return await task
        """,
    ),
)
