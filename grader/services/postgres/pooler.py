"""Sessions at the server that connections share, as behind PgBouncer with `pool_mode=transaction`.

A connection has one from the first message of a transaction to its end. The next transaction has
the one that has been idle longest (`server_round_robin=1`), or a new one while there are fewer than
the pooler may have. What a transaction leaves behind stays with its session, for the next
client: settings, prepared statements, temporary tables, locks, and what it listens to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ..base.off_clock import off_clock
from .logins import TRACKED, Login
from .questions import ServerQuestion
from .session import PooledSession, ServerSession
from .wire import is_ready, query

_ACCEPTED = frozenset({b"user", b"database", *(name.lower() for name in TRACKED)})
LONGEST_WAIT = 120.0
"""Virtual seconds for which a connection waits for a session: PgBouncer's `query_wait_timeout`."""

WAITED_TOO_LONG = "08P01", "query_wait_timeout"


class Pooler:
    """The sessions of one play.

    Args:
        log_in: begins a session at the server.
        size: how many there may be.
    """

    def __init__(self, log_in: Callable[[], Login], size: int) -> None:
        self._log_in = log_in
        self._size = size
        self._sessions: set[PooledSession] = set()
        self._idle: deque[PooledSession] = deque()
        self._waiting: list[Callable[[], object]] = []

    def take(self) -> PooledSession | None:
        """A session for one transaction; None if all are in use.

        Raises:
            OSError: the server cannot be reached.
        """
        if len(self._sessions) < self._size:
            with off_clock():
                session = PooledSession(self._log_in())
            self._sessions.add(session)
            return session
        return self._idle.popleft() if self._idle else None

    def wait(self, call: Callable[[], object]) -> None:
        """Have `call` called once when a session may be free."""
        self._waiting.append(call)

    def give_back(self, session: PooledSession) -> None:
        """A transaction is over."""
        if session in self._sessions:
            self._idle.append(session)
        self._wake()

    def drop(self, session: PooledSession) -> None:
        """A session has ended, as its client went away in the middle of a transaction."""
        self._sessions.discard(session)
        self._wake()

    def close(self) -> None:
        """End all sessions."""
        for session in self._sessions:
            session.close()
        self._sessions.clear()
        self._idle.clear()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for call in waiting:  # who gets none goes on waiting, in the same order
            call()


def unsupported(parameters: dict[bytes, bytes]) -> tuple[str, str] | None:
    """Why a client may not begin with these parameters, as SQLSTATE and words; None if it may.

    A pooler can't give a session of its own to who wants other settings.
    """
    for name in parameters:
        if name and name.lower() not in _ACCEPTED:
            return "08P01", f"unsupported startup parameter: {name.decode('utf-8', 'replace')}"
    return None


def adjust(session: ServerSession, wanted: dict[bytes, bytes]) -> None:
    """Set in a session what PgBouncer tracks, as a client has it.

    Raises:
        OSError: the server has hung up.
    """
    changes = {
        name: value
        for name, value in wanted.items()
        if name in TRACKED and session.settings.get(name, value) != value
    }
    if changes:
        said = ServerQuestion(is_ready)
        session.send(query(b"; ".join(map(_set, changes.items()))))
        while not said.is_over:
            said.hear(session)
        if said.error is not None:
            raise said.error


def _set(change: tuple[bytes, bytes]) -> bytes:
    name, value = change
    return b"set " + name + b" = '" + value.replace(b"'", b"''") + b"'"
