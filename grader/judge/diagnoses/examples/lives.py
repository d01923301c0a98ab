"""Examples of the life of an app: its start, the tasks that live as long, and its end."""

from __future__ import annotations

from ....model.scenarios import fails, get, in_turn, opens, scenario, takes, times
from ...aspects.answers import answer_of, answers, has_header, statuses
from ...aspects.calls import call_endings, calls, lifespan_order
from ...aspects.connections import startup_time, stops_when_done
from .example import example

_STARTS = scenario(get("/page"), load=takes(10))
_RESOURCES = scenario(
    get("/page"), open_users=opens(1, close=1), open_orders=opens(2, close=2), drain=0
)
_POLLED = scenario(get("/page"), get("/page", at=14), poll=takes(2), drain=0)
_FAILING = scenario(get("/page", at=14), poll=in_turn(takes(1), fails(1), takes(1)), drain=0)
_STOPPED = scenario(get("/page", at=1), poll=takes(30, cleanup=2), drain=0)
_TWO_JOBS = scenario(get("/jobs"), get("/jobs"), work=takes(2), drain=0)
_LONG = scenario(get("/jobs"), work=takes(50), drain=0)
_CROWD = scenario(times(3, get("/ready")), check=takes(0.5))
_LATER = scenario(*(get("/ready", at=at) for at in (0, 1, 5)), check=takes(0.5))

_PAGE = """
        @app.get("/page")
        async def page():
            return "a page"
        """


def _living(life: str, before: str = "") -> str:
    """A factory whose lifespan is `life`, with a page; `before` stands above it."""
    return f"""{before}
        @asynccontextmanager
        async def lifespan(app):
{life}
        app = FastAPI(lifespan=lifespan)
{_PAGE}"""


def _aged(when: str) -> str:
    """An app that says how old the result of a poll is, from a moment before it or after."""
    return f"""
        @asynccontextmanager
        async def lifespan(app):
            now = asyncio.get_running_loop().time
            before = now()
            await poll()
            after = now()
            app.state.age = lambda: now() - {when}
            yield

        app = FastAPI(lifespan=lifespan)

        @app.get("/age")
        async def age():
            return {{"age": app.state.age()}}
        """


_BESIDE = _living("""
            loading = asyncio.create_task(load())
            yield
            await loading
""")
_IN_ORDER = _living("""
            users = await open_users()
            orders = await open_orders()
            yield
            await orders.close()
            await users.close()
""")
_ENDED = """
            task = asyncio.create_task(keep_polling())
            yield
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
"""
_EVERY_FIVE = """
        async def keep_polling():
            now = asyncio.get_running_loop().time
            start, turn = now(), 0
            while True:
                await poll()
                turn += 1
                await asyncio.sleep(start + 5 * turn - now())
"""
_TRIED = """
        async def keep_polling():
            while True:
                try:
                    await poll()
                except Exception:
                    logging.exception("poll failed")
                await asyncio.sleep(4)
"""
_AGED = scenario(get("/age", at=5), poll=takes(2), drain=0)
_SHARED = """
        task, good_until = None, 0.0

        async def run():
            nonlocal good_until
            await check()
            good_until = asyncio.get_running_loop().time() + 2

        @app.get("/ready")
        async def ready():
            nonlocal task
            now = asyncio.get_running_loop().time()
            if task is None or (task.done() and now > good_until):
                task = asyncio.create_task(run())
            await asyncio.shield(task)
        """


def _desk(
    workers: int = 2, end: str = "await queue.join()", done: str = "queue.task_done()"
) -> str:
    """An app that queues work, with so many workers; `end` waits for them, `done` counts."""
    return f"""
        queue = asyncio.Queue()

        async def serve():
            while True:
                await queue.get()
                await work()
                {done}

        @asynccontextmanager
        async def lifespan(app):
            workers = [asyncio.create_task(serve()) for _ in range({workers})]
            yield
            {end}
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

        app = FastAPI(lifespan=lifespan)

        @app.get("/jobs")
        async def accept():
            queue.put_nowait("job")
        """


_LIMITED = "await asyncio.wait([asyncio.create_task(queue.join())], timeout=30)"

EXAMPLES = (
    example(
        "startup-waits",
        _STARTS,
        _living("""
            await load()
            yield
"""),
        _BESIDE,
        startup_time,
    ),
    example(
        "begun-by-request",
        scenario(get("/page"), open_users=opens(1, close=1), drain=0),
        """
        @app.get("/page")
        async def page():
            users = await open_users()
            await users.close()
        """,
        _living("""
            users = await open_users()
            yield
            await users.close()
"""),
        lifespan_order,
    ),
    example(
        "lifespan-order",
        _RESOURCES,
        _living("""
            users = await open_users()
            orders = await open_orders()
            yield
            await users.close()
            await orders.close()
"""),
        _IN_ORDER,
        lifespan_order,
    ),
    example(
        "worker-died",
        _FAILING,
        _living(
            _ENDED,
            """
        async def keep_polling():
            while True:
                await poll()
                await asyncio.sleep(4)
""",
        ),
        _living(_ENDED, _TRIED),
        calls,
    ),
    example(
        "interval-drifts",
        _POLLED,
        _living(
            _ENDED,
            """
        async def keep_polling():
            while True:
                await poll()
                await asyncio.sleep(5)
""",
        ),
        _living(_ENDED, _EVERY_FIVE),
        calls,
    ),
    example(
        "wrong-moment",
        _POLLED,
        _living(
            _ENDED,
            _EVERY_FIVE.replace(
                "await poll()", "await asyncio.sleep(1)\n                await poll()"
            ),
        ),
        _living(_ENDED, _EVERY_FIVE),
        calls,
    ),
    example(
        "task-outlives-app",
        _STOPPED,
        _living(
            """
            task = asyncio.create_task(keep_polling())
            yield
            task.cancel()
""",
            _EVERY_FIVE,
        ),
        _living(_ENDED, _EVERY_FIVE),
        call_endings,
    ),
    example("shutdown-waits-too-long", _LONG, _desk(), _desk(end=_LIMITED), call_endings),
    example(
        "slow-shutdown",
        _TWO_JOBS,
        _desk(end=_LIMITED, done='print("done")'),
        _desk(end=_LIMITED),
        stops_when_done,
    ),
    example("too-few-at-once", _TWO_JOBS, _desk(1), _desk(2), calls),
    example(
        "too-many-at-once",
        _CROWD,
        """
        @app.get("/ready")
        async def ready():
            await check()
        """,
        _SHARED,
        calls,
    ),
    example(
        "asked-again",
        _LATER,
        """
        @app.get("/ready")
        async def ready():
            await check()
        """,
        _SHARED,
        calls,
    ),
    example("kept-too-long", _LATER, _SHARED.replace("+ 2", "+ 2000"), _SHARED, calls),
    example("counted-from-start", _AGED, _aged("before"), _aged("after"), answers),
    example(
        "shared-task-cancelled",
        scenario(get("/ready", cancelled_at=0.1), get("/ready"), check=takes(0.5)),
        _SHARED.replace("asyncio.shield(task)", "task"),
        _SHARED,
        answer_of(1),
    ),
    example(
        "not-refused",
        scenario(times(4, get("/jobs")), work=takes(2)),
        """
        @app.get("/jobs")
        async def accept():
            await work()
        """,
        """
        busy = asyncio.Semaphore(3)

        @app.get("/jobs")
        async def accept():
            if busy.locked():
                raise HTTPException(503, headers={"Retry-After": "5"})
            async with busy:
                await work()
        """,
        statuses,
    ),
    example(
        "header-missing",
        scenario(get("/page")),
        """
        @app.get("/page")
        async def page():
            raise HTTPException(503)
        """,
        """
        @app.get("/page")
        async def page():
            raise HTTPException(503, headers={"Retry-After": "5"})
        """,
        has_header("Retry-After"),
    ),
    example(
        "timeout-mistaken",
        scenario(get("/ready"), check=fails(0.1, "TimeoutError")),
        """
        @app.get("/ready")
        async def ready():
            try:
                async with asyncio.timeout(1):
                    await check()
            except TimeoutError:
                return "late"
            except Exception:
                return "failed"
        """,
        """
        @app.get("/ready")
        async def ready():
            try:
                async with asyncio.timeout(1) as limit:
                    await check()
            except Exception:
                return "late" if limit.expired() else "failed"
        """,
    ),
)
