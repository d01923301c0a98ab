"""Which connections wait in the server for a lock that another connection holds.

Such a statement is not answered before the other's transaction ends, and that may take
virtual time, so nothing waits for its answer meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .daemon.leases import Lease

if TYPE_CHECKING:
    from .relay import PostgresRelay


class Locks:
    """Looks into the server when an answer is late, and when a lock may have been let go."""

    def __init__(self, relay: PostgresRelay) -> None:
        self._relay = relay

    def look_again(self) -> None:
        """Something was answered: a lock may be free, and who waited for it at work."""
        if any(question.waits_for_lock for _, question in self._relay.unanswered()):
            self.look()

    def look(self) -> None:
        """Find out which of the questions wait for a lock."""
        blocked = self._relay.look_up(Lease.blockers) or {}
        for connection, question in self._relay.unanswered():
            pid = connection.session.pid if connection.session else 0
            waits = pid in blocked and not _is_deadlocked(pid, blocked)
            question.waits_for_lock = waits and not question.is_called_off


def _is_deadlocked(pid: int, blocked: dict[int, list[int]]) -> bool:
    """Whether it waits for itself in the end: then the server will end that by itself soon."""
    seen: set[int] = set()
    ahead = list(blocked[pid])
    while ahead:
        next_ = ahead.pop()
        if next_ == pid:
            return True
        if next_ not in seen:
            seen.add(next_)
            ahead += blocked.get(next_, [])
    return False
