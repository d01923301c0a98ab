"""Examples of background work, tasks and logs."""

from __future__ import annotations

from ....model.scenarios import fails, get, post, scenario, takes
from ....model.trace import Trace
from ...aspects.answers import elapsed
from ...aspects.aspect import aspect
from ...aspects.calls import order_of_work
from ...aspects.logs import logged
from .example import example


@aspect("log")
def records(trace: Trace) -> tuple[str, ...]:
    """What was logged, in order."""
    return tuple(record.message for record in trace.logs)


_JOB = scenario(post("/jobs"), work=takes(3))
_BROKEN = scenario(post("/jobs"), work=fails(3, "ValueError", "bad data"))
_CUT = scenario(post("/jobs"), work=takes(3), drain=0)

_BACKGROUND = """
        @app.post("/jobs", status_code=202)
        async def accept(background: BackgroundTasks):
            background.add_task(work)
            return "accepted"
        """

_LOGGED = """
        logger = logging.getLogger("jobs")

        async def run():
            try:
                await work()
            except Exception:
                logger.exception("failed")
            else:
                logger.info("done")

        @app.post("/jobs", status_code=202)
        async def accept(background: BackgroundTasks):
            background.add_task(run)
            return "accepted"
        """

EXAMPLES = (
    example(
        "work-inline",
        _JOB,
        """
        @app.post("/jobs", status_code=202)
        async def accept():
            await work()
            return "accepted"
        """,
        _BACKGROUND,
        elapsed,
    ),
    example(
        "work-before-response",
        _JOB,
        """
        tasks = set()

        @app.post("/jobs", status_code=202)
        async def accept():
            task = asyncio.create_task(work())
            tasks.add(task)
            await asyncio.sleep(0)
            return "accepted"
        """,
        _BACKGROUND,
        order_of_work("work"),
    ),
    example(
        "task-reference-lost",
        _CUT,
        """
        @app.post("/jobs", status_code=202)
        async def accept():
            asyncio.create_task(work())
            return "accepted"
        """,
        _BACKGROUND,
        order_of_work("work"),
    ),
    example(
        "work-lost",
        _CUT,
        """
        tasks = set()

        async def run():
            await asyncio.sleep(0.1)
            await work()

        @app.post("/jobs", status_code=202)
        async def accept():
            tasks.add(asyncio.create_task(run()))
            return "accepted"
        """,
        _BACKGROUND,
        order_of_work("work"),
    ),
    example(
        "error-not-logged",
        _BROKEN,
        """
        logger = logging.getLogger("jobs")

        async def run():
            try:
                await work()
            except Exception:
                logger.error("failed")

        @app.post("/jobs", status_code=202)
        async def accept(background: BackgroundTasks):
            background.add_task(run)
            return "accepted"
        """,
        _LOGGED,
        logged("jobs", after="work"),
    ),
    example(
        "logged-too-much",
        _BROKEN,
        """
        logger = logging.getLogger("jobs")

        async def run():
            try:
                await work()
            except Exception:
                logger.exception("failed")
            logger.info("done")

        @app.post("/jobs", status_code=202)
        async def accept(background: BackgroundTasks):
            background.add_task(run)
            return "accepted"
        """,
        _LOGGED,
        records,
    ),
    example(
        "not-logged",
        _JOB,
        """
        @app.post("/jobs", status_code=202)
        async def accept(background: BackgroundTasks):
            background.add_task(work)
            return "accepted"
        """,
        _LOGGED,
        logged("jobs", after="work"),
    ),
    example(
        "error-unseen",
        scenario(get("/page"), work=fails(1, "ValueError", "bad data")),
        """
        @app.get("/page")
        async def page():
            await asyncio.wait([asyncio.create_task(work())])
            return "done"
        """,
        """
        @app.get("/page")
        async def page():
            try:
                await asyncio.create_task(work())
            except ValueError:
                logging.exception("the work failed")
            return "done"
        """,
        records,
    ),
)
