"""Sessions at the keeper's PostgreSQL itself, past the relay, and waiting for what becomes true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import asyncpg
import msgspec

from grader.services.base.errors import ServiceError
from grader.services.postgres.daemon.leases import Lease
from grader.services.postgres.daemon.messages import Address

PATIENCE = 60.0
"""Real seconds after which something will not come true, however busy the machine is."""

CUT_OFF = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg raises in a session that is ended from outside; the last one if that was between
two statements."""


def eventually(condition: Callable[[], Any]) -> Any:
    """What `condition` returns as soon as it is true."""
    deadline = time.monotonic() + PATIENCE
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)
    return result


def connect(address: Address, **changes: Any) -> Any:
    """A session, or with `changes` one as somebody else or elsewhere."""
    at = msgspec.structs.replace(address, **changes)
    return asyncpg.connect(
        host=at.host,
        port=at.port,
        user=at.user,
        password=at.password,
        database=at.database,
        timeout=PATIENCE,
    )


def query(address: Address, *statements: str, **changes: Any) -> list[Any]:
    """What the last of some statements returns, in one session."""

    async def run() -> list[Any]:
        connection = await connect(address, **changes)
        try:
            for sql in statements[:-1]:
                await connection.execute(sql)
            return [tuple(row) for row in await connection.fetch(statements[-1])]
        finally:
            await connection.close()

    return asyncio.run(run())


def is_refused(address: Address, **changes: Any) -> bool:
    """Whether nobody gets in there with this user and password."""
    try:
        query(address, "select 1", **changes)
    except asyncpg.InvalidAuthorizationSpecificationError:  # or of the password
        return True
    except CUT_OFF:
        return False
    return False


def problem_of(held: Lease) -> str:
    """What is said when nothing can be read any more; empty as long as something can."""
    try:
        held.rows("select 1")
    except ServiceError as error:
        return error.problem
    return ""
