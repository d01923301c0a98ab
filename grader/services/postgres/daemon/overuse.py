"""Looks after the leases that there are: what a play takes of the server has a limit.

What a role itself may set, such as how long its statements take, is no limit for it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from .admin import Admin, RunningStatement

EVERY = 1.0
"""Seconds between two looks."""
SIZE = 256 * 1024 * 1024
"""Bytes that a database may have."""
HOURS = 12
"""That a lease may last."""
LOCKS = 10_000
"""That the sessions in one database may hold. All databases share the server's room for them."""
MEMORY = 1 << 30
"""Bytes that the server's processes may take for one database. Each may have as much, so that a
play with a hundred connections could take more than the machine has."""
BUSY = {False: 3, True: 600}
"""Looks in a row at which a statement may be busy, in a play and in a lease for hours."""
MORE = 3
"""Looks more, after which a statement that can't be cancelled is ended with its session."""


class LeasedDatabase(Protocol):
    """What is looked after.

    Attributes:
        name: of the database, and of its role.
        for_hours: whether it is leased for hours rather than for a play.
        since: when it was leased, by the loop's clock.
        refusal: why nothing is read in it any more.
    """

    name: str
    for_hours: bool
    since: float
    refusal: str


class Taken(NamedTuple):
    """What a play has of the server: bytes of its database, locks, and bytes of memory."""

    size: int
    locks: int
    memory: int


class Overuse:
    """Ends what takes too much."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._seen: Counter[RunningStatement] = Counter()

    async def look(self, leased: Collection[LeasedDatabase]) -> None:
        """End statements that are too slow; close databases that are too much.

        Args:
            leased: what is leased. It may change meanwhile: a database that was given back may be
                another play's by now.
        """
        databases = {one.name: one for one in leased if not one.refusal}
        await self._end_busy(databases)
        sizes = await self._admin.sizes(list(databases))
        locks = await self._admin.locks(list(databases))
        memory = await self._admin.memory(list(databases))
        for name, one in databases.items():
            taken = Taken(sizes.get(name, 0), locks.get(name, 0), memory.get(name, 0))
            one.refusal = _refusal(one, taken)
            if one.refusal and any(other is one for other in leased):
                await self._admin.close_to_role(name)

    async def _end_busy(self, databases: Mapping[str, LeasedDatabase]) -> None:
        """What is seen at work again and again. To wait for a lock is no work."""
        busy = await self._admin.busy(list(databases))
        self._seen = Counter({one: self._seen[one] + 1 for one in busy})
        for one, looks in self._seen.items():
            most = BUSY[databases[one.database].for_hours]
            if looks > most + MORE:
                await self._admin.end(one.session)
            elif looks > most:
                await self._admin.cancel(one.session)


def _refusal(one: LeasedDatabase, taken: Taken) -> str:
    if taken.size > SIZE:
        return f"The database has more than {SIZE >> 20} MB."
    if taken.locks > LOCKS:
        return f"The sessions in the database hold more than {LOCKS:,} locks."
    if taken.memory > MEMORY:
        return f"The sessions in the database take more than {MEMORY >> 20:,} MB of memory."
    if asyncio.get_running_loop().time() - one.since > HOURS * 3600:
        return f"The database was leased for more than {HOURS} hours."
    return ""
