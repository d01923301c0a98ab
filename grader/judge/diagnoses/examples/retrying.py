"""Examples of trying again, and of requests that are let in or refused."""

from __future__ import annotations

from ....model.scenarios import fails, get, in_turn, scenario, takes, times
from ...aspects.answers import elapsed, statuses
from ...aspects.calls import call_counts, pauses
from .example import example

_BAD_ONCE = scenario(get("/rates"), call=in_turn(fails(1), takes(1, "good")))
_BAD = scenario(get("/rates"), call=fails(1))
_WRONG = scenario(get("/rates"), call=fails(1, "ValueError"))
_CROWD = scenario(times(20, get("/rates")), call=in_turn(*[fails(1)] * 20, takes(1)))
_THREE = scenario(*(get("/page", at=at) for at in (0, 1, 2)), work=in_turn(fails(0.5), takes(0.5)))
_LOST = scenario(
    get("/page"),
    get("/page"),
    get("/page", at=2),
    get("/page", at=2),
    work=in_turn(fails(0.5), takes(0.5), takes(0.5)),
)
_IN_LINE = scenario(*(get("/page", at=at / 100) for at in range(3)), work=takes(1))

_ONCE_MORE = """
        @app.get("/rates")
        async def rates():
            try:
                return await call()
            except ConnectionError:
                return await call()
        """
_JITTER = """
        import random

        @app.get("/rates")
        async def rates():
            try:
                return await call()
            except ConnectionError:
                await asyncio.sleep(random.uniform(0, 4))
                return await call()
        """
_TWICE_AT_MOST = """
        @app.get("/rates")
        async def rates():
            for is_last in (False, True):
                try:
                    return await call()
                except ConnectionError:
                    if is_last:
                        raise HTTPException(502)
        """
_COUNTED = """
        failures = 0

        @app.get("/page")
        async def page():
            nonlocal failures
            if failures >= 3:
                raise HTTPException(503, headers={"Retry-After": "9"})
            try:
                return await work()
            except ConnectionError:
                failures += 1
                raise HTTPException(502)
        """
_PLACE = """
        places = asyncio.Semaphore(2)

        @app.get("/page")
        async def page():
            if places.locked():
                raise HTTPException(503)
            async with places:
                try:
                    await work()
                except ConnectionError:
                    raise HTTPException(502)
        """

EXAMPLES = (
    example(
        "not-tried-again",
        _BAD_ONCE,
        """
        @app.get("/rates")
        async def rates():
            try:
                return await call()
            except ConnectionError:
                raise HTTPException(502)
        """,
        _ONCE_MORE,
    ),
    example(
        "tried-too-often",
        _BAD,
        """
        @app.get("/rates")
        async def rates():
            for _ in range(4):
                try:
                    return await call()
                except ConnectionError:
                    pass
            raise HTTPException(502)
        """,
        _TWICE_AT_MOST,
        call_counts,
    ),
    example(
        "tried-in-vain",
        _WRONG,
        """
        @app.get("/rates")
        async def rates():
            for is_last in (False, True):
                try:
                    return await call()
                except Exception:
                    if is_last:
                        raise HTTPException(502)
        """,
        """
        @app.get("/rates")
        async def rates():
            for is_last in (False, True):
                try:
                    return await call()
                except ConnectionError:
                    if is_last:
                        raise HTTPException(502)
                except Exception:
                    raise HTTPException(502)
        """,
        call_counts,
    ),
    example(
        "no-jitter",
        _CROWD,
        """
        @app.get("/rates")
        async def rates():
            try:
                return await call()
            except ConnectionError:
                await asyncio.sleep(2)
                return await call()
        """,
        _JITTER,
        pauses("call"),
    ),
    example(
        "wrong-pause",
        _CROWD,
        """
        import random

        @app.get("/rates")
        async def rates():
            try:
                return await call()
            except ConnectionError:
                await asyncio.sleep(4 + random.uniform(0, 1))
                return await call()
        """,
        _JITTER,
        pauses("call"),
    ),
    example(
        "pause-after-the-last",
        _BAD,
        """
        @app.get("/rates")
        async def rates():
            for _ in range(2):
                try:
                    return await call()
                except ConnectionError:
                    await asyncio.sleep(2)
            raise HTTPException(502)
        """,
        """
        @app.get("/rates")
        async def rates():
            for is_last in (False, True):
                try:
                    return await call()
                except ConnectionError:
                    if is_last:
                        raise HTTPException(502)
                await asyncio.sleep(2)
        """,
        elapsed,
    ),
    example(
        "refused-needlessly",
        _THREE,
        """
        failures = 0

        @app.get("/page")
        async def page():
            nonlocal failures
            if failures:
                raise HTTPException(503, headers={"Retry-After": "9"})
            try:
                return await work()
            except ConnectionError:
                failures += 1
                raise HTTPException(502)
        """,
        _COUNTED,
    ),
    example(
        "failure-kept",
        _THREE,
        """
        kept = {}

        @app.get("/page")
        async def page():
            if "page" not in kept:
                kept["page"] = asyncio.create_task(work())
            try:
                return await kept["page"]
            except ConnectionError:
                raise HTTPException(502)
        """,
        """
        kept = {}

        @app.get("/page")
        async def page():
            if "page" not in kept:
                kept["page"] = asyncio.create_task(work())
            try:
                return await kept["page"]
            except ConnectionError:
                del kept["page"]
                raise HTTPException(502)
        """,
    ),
    example(
        "place-lost",
        _LOST,
        """
        places = asyncio.Semaphore(2)

        @app.get("/page")
        async def page():
            if places.locked():
                raise HTTPException(503)
            await places.acquire()
            try:
                await work()
            except ConnectionError:
                raise HTTPException(502)
            places.release()
        """,
        _PLACE,
        statuses,
    ),
    example(
        "out-of-turn",
        _IN_LINE,
        """
        waiting = []
        is_busy = False

        @app.get("/page")
        async def page():
            nonlocal is_busy
            if is_busy:
                waiting.append(asyncio.Event())
                await waiting[-1].wait()
            is_busy = True
            await work()
            is_busy = False
            if waiting:
                waiting.pop().set()
        """,
        """
        place = asyncio.Semaphore(1)

        @app.get("/page")
        async def page():
            async with place:
                await work()
        """,
        elapsed,
    ),
)
