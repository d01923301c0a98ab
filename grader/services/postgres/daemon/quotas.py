"""How many leases there may be at a time: of one process, and in all."""

from __future__ import annotations

import asyncio
from collections import Counter

from ...base.errors import ServiceError

MOST_OF_ONE, MOST = 8, 96
"""Of one process, and in all. A player may start 8 processes: when all of them have taken what
they may, there is still room for others."""
PATIENCE, POLL = 10.0, 0.02
"""Seconds to wait for room, and between looks. A lease that is given back takes a moment."""


class Quotas:
    """Counts the leases of each process."""

    def __init__(self) -> None:
        self._of: Counter[int] = Counter()

    async def take(self, process: int) -> None:
        """Count one more, as soon as there is room for it.

        Raises:
            ServiceError: there is none for long.
        """
        now = asyncio.get_running_loop().time
        deadline = now() + PATIENCE
        while self._of[process] >= MOST_OF_ONE or self._of.total() >= MOST:
            if now() > deadline:
                raise ServiceError(self._refusal(process), "Close one, then ask again.")
            await asyncio.sleep(POLL)
        self._of[process] += 1

    def give_back(self, process: int) -> None:
        """Count one less."""
        self._of[process] -= 1
        self._of = +self._of

    def _refusal(self, process: int) -> str:
        if self._of[process] >= MOST_OF_ONE:
            return f"One process may have {MOST_OF_ONE} databases at a time, and it has them."
        return f"There may be {MOST} databases at a time, and there are."
