"""The reports in the database, with the SQL that goes with them. It knows nothing of HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg  # type: ignore[import-untyped]

from .messages import LearnerReport

SCHEMA = Path(__file__).with_name("schema.sql")
CONNECT_WITHIN, STATEMENT_WITHIN = 5.0, 5.0
"""Seconds that it may take to open a connection, and that a statement may take."""
UNAVAILABLE = (
    *(OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError),
    *(asyncpg.OperatorInterventionError, asyncpg.InsufficientResourcesError),
)
"""What is raised where the server is lost, stops, starts, or has no room: it may be there again
soon. `TimeoutError` is an `OSError`."""
JOINING = 5310
"""The advisory lock of those who report for the first time, so that they are counted right."""
MOST_WAITING = 200
LONGEST_WAIT = 1.0
"""Reports that may wait for a connection, and how long, before they are refused."""
MOST_REASONS = 6
"""That are shown: the room can talk of one at a time."""

Row = Any


class Busy(Exception):
    """There is more to do than there are connections for. Come again."""


class BoardFull(Exception):
    """As many learners as the board may have report to it already."""


class Standings(NamedTuple):
    """What an overview is made of.

    Attributes:
        learners: all that have ever reported.
        counts: by lesson, exercise and status.
        reasons: of what fails now, the commonest first.
        places: of learners who have reported lately.
    """

    learners: int
    counts: list[Row]
    reasons: list[Row]
    places: list[Row]


class ReportTable:
    """The reports.

    Args:
        most: learners that there may be.
    """

    def __init__(self, pool: asyncpg.Pool, most: int) -> None:
        self._pool = pool
        self._most = most
        self._waiting = 0

    async def prepare(self) -> None:
        """Make the tables, unless they are there."""
        async with self._pool.acquire() as conn, conn.transaction():
            await conn.execute(SCHEMA.read_text("utf-8"))

    async def store(self, report: LearnerReport, now: datetime) -> bool:
        """Keep a report. It is kept when this returns, whatever happens then.

        Returns:
            Whether it is new: a report that is sent again changes nothing.

        Raises:
            Busy, BoardFull: nothing is kept.
        """
        # A clock that is ahead would make all that is reported later, by a right one, look old.
        graded_at = min(report.graded_at, now)
        async with self._connection() as conn:
            await self._join(conn, report.learner)
            async with conn.transaction():
                is_new = await conn.fetchval(
                    "INSERT INTO board.report VALUES ($1, $2, $3, $4)"
                    " ON CONFLICT DO NOTHING RETURNING true",
                    *(report.id, report.learner, now, report.model_dump_json()),
                )
                if is_new:
                    await self._move(conn, report, graded_at, now)
        return bool(is_new)

    async def _join(self, conn: asyncpg.Connection, learner: UUID) -> None:
        """See that there is a row for the learner, and not one too many for all of them."""
        known = "SELECT true FROM board.learner WHERE id = $1"
        if await conn.fetchval(known, learner):
            return
        async with conn.transaction():
            # Others wait for the lock, so this commit needn't wait for the disk. That of the
            # report waits for both.
            await conn.execute(
                "SELECT set_config('synchronous_commit', 'off', true), pg_advisory_xact_lock($1)",
                JOINING,
            )
            await conn.execute(
                "INSERT INTO board.learner (id) SELECT $1"
                " WHERE (SELECT count(*) FROM board.learner) < $2 ON CONFLICT DO NOTHING",
                *(learner, self._most),
            )
        if not await conn.fetchval(known, learner):
            raise BoardFull

    async def _move(
        self, conn: asyncpg.Connection, report: LearnerReport, graded_at: datetime, now: datetime
    ) -> None:
        """Put the learner where the report says, unless a later one has come first."""
        await conn.execute(
            "UPDATE board.learner"
            " SET name = $2, lesson = $3, exercise = $4, graded_at = $5, seen = $6"
            " WHERE id = $1 AND (graded_at IS NULL OR graded_at <= $5)",
            *(report.learner, report.name, report.lesson, report.exercise, graded_at, now),
        )
        exercises = report.exercises
        await conn.execute(
            "INSERT INTO board.standing AS known"
            " SELECT $1, $2, number, status, reason, code, $3, $4, $4"
            " FROM unnest($5::int[], $6::text[], $7::text[], $8::text[])"
            " AS reported (number, status, reason, code)"
            " ON CONFLICT (learner, lesson, exercise) DO UPDATE SET"
            " status = excluded.status, reason = excluded.reason, code = excluded.code,"
            " graded_at = excluded.graded_at, seen = excluded.seen,"
            " since = CASE WHEN (known.status, known.reason) = (excluded.status, excluded.reason)"
            " THEN known.since ELSE excluded.since END"
            " WHERE known.graded_at <= excluded.graded_at",
            *(report.learner, report.lesson, graded_at, now),
            [one.number for one in exercises],
            [one.status for one in exercises],
            [one.reason for one in exercises],
            [one.code.model_dump_json() if one.code else None for one in exercises],
        )

    async def standings(self, since: datetime) -> Standings:
        """How all do, at one moment.

        Args:
            since: older reports don't count.

        Raises:
            OSError, asyncpg.PostgresConnectionError: it can't be read now.
        """
        async with (
            self._pool.acquire(timeout=STATEMENT_WITHIN) as conn,
            conn.transaction(isolation="repeatable_read", readonly=True),
        ):
            return Standings(
                await conn.fetchval("SELECT count(*) FROM board.learner WHERE seen IS NOT NULL"),
                await conn.fetch(
                    "SELECT lesson, exercise, status, count(*) FROM board.standing"
                    " GROUP BY lesson, exercise, status"
                ),
                await conn.fetch(
                    "SELECT lesson, exercise, reason, count(*),"
                    " (array_agg(code ORDER BY seen DESC) FILTER (WHERE code IS NOT NULL))[1]"
                    " AS code FROM board.standing WHERE status = 'failed' AND seen > $1"
                    " GROUP BY lesson, exercise, reason"
                    " ORDER BY count(*) DESC, lesson, exercise, reason LIMIT $2",
                    *(since, MOST_REASONS),
                ),
                await conn.fetch(
                    "SELECT l.lesson, l.exercise, name, status, since FROM board.learner l"
                    " JOIN board.standing s"
                    " ON (s.learner, s.lesson, s.exercise) = (l.id, l.lesson, l.exercise)"
                    " WHERE l.seen > $1 ORDER BY status, since",
                    since,
                ),
            )

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection for a report. What would wait too long is refused, at once if it can be."""
        if self._waiting >= MOST_WAITING:
            raise Busy
        self._waiting += 1
        try:
            conn = await self._pool.acquire(timeout=LONGEST_WAIT)
        except TimeoutError as error:
            raise Busy from error
        finally:
            self._waiting -= 1
        try:
            yield conn
        finally:
            await self._pool.release(conn)
