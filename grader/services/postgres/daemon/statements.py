"""SQL that isn't the keeper's own, run as the role of a play: it may take so much and no more.

A play can turn a table into a view, or give it a trigger: what that does, the play does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from ...base.errors import ServiceError
from .connecting import LOST, Connection, PostgresError

SEEDING, READING = 20.0, 3.0
"""Seconds that a seed may take, and a reading."""
MOST_ROWS, MOST_BYTES = 10_000, 8 * 1024 * 1024
"""What a reading may return: rows, and bytes as JSON."""
NOT_THE_SEEDS_FAULT = ("53", "58")
"""Classes of SQLSTATE: no disk or memory is left, and trouble with the system."""


class TooSlow(ServiceError):
    """A statement took longer than it may. Its connection is closed."""


@contextmanager
def closed_after(connection: Connection, seconds: float) -> Iterator[None]:
    """Close a connection when its time is up. To cancel a statement would only ask for its end.

    Raises:
        TooSlow: it is.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.call_later(seconds, connection.terminate)
    try:
        yield
    except LOST as error:
        if loop.time() < deadline.when():
            raise
        raise TooSlow(f"It takes more than {seconds:.0f} s.") from error
    finally:
        deadline.cancel()


async def seed(connection: Connection, sql: str) -> None:
    """Run a seed; what it does to the connection itself is undone.

    Raises:
        ServiceError: it fails.
    """
    try:
        with closed_after(connection, SEEDING):
            await connection.execute(sql or "SELECT 1")
            await connection.reset()
    except TooSlow as error:
        raise _bad_seed(error.problem) from error
    except LOST:
        raise
    except PostgresError as error:
        if error.sqlstate[:2] in NOT_THE_SEEDS_FAULT:
            raise
        raise _bad_seed(_said_by(error)) from error


async def read(connection: Connection, sql: str) -> list[dict[str, Any]]:
    """What a statement returns.

    Raises:
        TooSlow: it takes too long.
        ServiceError: it fails, or returns too much, or what has no form in Python.
    """
    try:
        with closed_after(connection, READING):
            rows = await _fetch(connection, sql)
        size = len(msgspec.json.encode(rows, enc_hook=str))
    except LOST:
        raise
    except PostgresError as error:
        raise ServiceError(f"PostgreSQL says: {_said_by(error)}") from error
    except (ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise ServiceError(f"It returns what can't be read: {error}") from error
    if len(rows) > MOST_ROWS or size > MOST_BYTES:
        raise ServiceError(
            f"It returns more than {MOST_ROWS:,} rows, or more than {MOST_BYTES >> 20} MB."
        )
    return rows


async def _fetch(connection: Connection, sql: str) -> list[dict[str, Any]]:
    async with connection.transaction():
        cursor = await connection.cursor(sql)
        return [dict(row) for row in await cursor.fetch(MOST_ROWS + 1)]


def _bad_seed(why: str) -> ServiceError:
    return ServiceError(
        f"PostgreSQL refuses the SQL that a play's database is seeded with: {why}",
        "Correct the `seed_sql` of the scenario.",
    )


def _said_by(error: Any) -> str:
    place = f" at character {error.position}" if error.position else ""
    return f"{' '.join(str(error).split())}{place} (SQLSTATE {error.sqlstate})"
