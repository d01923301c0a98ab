"""The board's app. It is written as the course teaches it, from lesson 53 to lesson 60.

One pool, from the start to the end. A report is stored before it is answered. Every wait has a
limit, and a request that would wait too long is answered 503 at once. A task
looks at what is stored and tells the pages, and a page that reads slowly holds up nobody.

NOTIFY in the transaction of each report would reach several processes. But PostgreSQL commits one
such transaction at a time, so they would wait in turn for the disk: when this was measured, less
than half as many reports a second were stored. The board is one process, and an event is enough.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg  # type: ignore[import-untyped]
from fastapi import FastAPI

from ..course.catalog import Lesson
from . import routes
from .access import Tokens
from .audience import Audience
from .messages import LearnerReport
from .overview import OverviewMaker
from .reports import CONNECT_WITHIN, STATEMENT_WITHIN, UNAVAILABLE, ReportTable

log = logging.getLogger(__name__)

CONNECTIONS = 8
RECENT = timedelta(minutes=30)
"""Reports older than this don't count as now."""
AT_MOST_EVERY, AT_LEAST_EVERY = 0.5, 60.0
"""Seconds between two overviews: however many reports come, and also if none comes,
for reports grow old."""


@dataclass(frozen=True)
class BoardSettings:
    """What a board is made of.

    Attributes:
        lessons: that learners may report on.
        explain: what the id of a misconception means, in a sentence.
        may_name: whether the instructor may see names.
        most_learners: that may report.
    """

    tokens: Tokens
    lessons: Sequence[Lesson]
    explain: Callable[[str], str]
    may_name: bool = False
    most_learners: int = 1000


class Board:
    """What the routes need, as long as the app lives.

    Attributes:
        audience: those who watch.
        exercises: the numbers of those that there are, by lesson.
    """

    def __init__(self, settings: BoardSettings) -> None:
        self.tokens = settings.tokens
        self.exercises = {
            lesson.name: {one.number for one in lesson.all_exercises} for lesson in settings.lessons
        }
        self.may_name = settings.may_name
        self.audience = Audience()
        self.most_learners = settings.most_learners
        self._maker = OverviewMaker(
            settings.lessons, settings.explain, settings.tokens.join, settings.may_name
        )
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def live(self, dsn: str) -> AsyncIterator[None]:
        """The board is open for as long as the block lasts.

        Raises:
            OSError, asyncpg.PostgresError: there is no database.
        """
        pool = asyncpg.create_pool(
            dsn,
            min_size=CONNECTIONS,
            max_size=CONNECTIONS,
            timeout=CONNECT_WITHIN,
            command_timeout=STATEMENT_WITHIN,
        )
        async with pool:
            self._reports = ReportTable(pool, self.most_learners)
            await self._reports.prepare()
            await self._look()
            looking = asyncio.create_task(self._keep_looking())
            try:
                yield
            finally:
                looking.cancel()
                with suppress(asyncio.CancelledError):
                    await looking

    async def store(self, report: LearnerReport) -> bool:
        """Store a report, and have the pages told.

        Returns:
            Whether it is new.

        Raises:
            Busy, BoardFull: nothing is stored.
        """
        is_new = await self._reports.store(report, datetime.now(UTC))
        self._changed.set()
        return is_new

    async def _keep_looking(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(AT_LEAST_EVERY):
                    await self._changed.wait()
            self._changed.clear()
            try:
                await self._look()
            except UNAVAILABLE as error:
                log.warning("no overview: %r", error)
                self._changed.set()  # the next turn tries again
            except Exception:
                log.exception("no overview")
            await asyncio.sleep(AT_MOST_EVERY)

    async def _look(self) -> None:
        now = datetime.now(UTC)
        standings = await self._reports.standings(since=now - RECENT)
        self.audience.tell(self._maker.news(standings, now))


def board_app(dsn: str, settings: BoardSettings) -> FastAPI:
    """The app of a board.

    Args:
        dsn: of the PostgreSQL that keeps the reports.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with app.state.board.live(dsn):
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    app.state.board = Board(settings)
    app.include_router(routes.router)
    routes.handle_errors(app)
    return app
