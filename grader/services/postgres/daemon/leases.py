"""Databases for plays: `lease()` gives a new, clean one that no other play can reach.

`python -m grader.services.postgres.daemon.leases stop` ends the keeper and its server.

This module imports nothing heavy. It is used in processes where a learner's code runs and
where time may be virtual; everything here takes real time.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ....clock.real_time import monotonic, sleep
from ....processes.channel import Channel, ChannelClosed, Message
from ....processes.signs import for_service
from ....processes.spawn import python_command
from ...base.broker import Broker, Done, broker
from ...base.errors import ServiceError
from ..brokered import (
    KIND,
    CancelSession,
    EndSession,
    GiveBack,
    LeaseDatabase,
    LeaseMade,
    LoggedIn,
    LogIn,
    OpenSession,
)
from .messages import (
    Address,
    Answer,
    Ask,
    Blockers,
    Check,
    Checked,
    EndSessions,
    FindBlockers,
    Leased,
    Query,
    QueryRows,
    Request,
    RequestFailed,
    Stop,
    Stopping,
)
from .state import KeeperState, Lock, held_by

if TYPE_CHECKING:
    from ..logins import Login

__all__ = ["Address", "Lease", "ServiceError", "lease", "stop", "wake"]

LIMIT = 30.0
"""Real seconds after which the keeper is taken not to answer."""
POLL = 0.005


class Lease:
    """A database that is this process's alone, until it is closed or the process ends.

    Attributes:
        address: how to reach the database.
    """

    def __init__(self, channel: Channel, address: Address) -> None:
        self._channel = channel
        self.address = address

    def connect(self, first_packet: bytes) -> socket.socket:
        """A new connection to the server, on which a client's first packet was sent.

        Raises:
            OSError: the server can't be reached.
        """
        from ..dialling import connect  # TLS is imported when it is needed

        return connect(self.address, first_packet)

    def log_in(self) -> Login:
        """A session in the database that no client has begun.

        Raises:
            OSError: the server can't be reached.
        """
        from ..logins import LibpqLogin

        return LibpqLogin(self.address)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """What one statement returns to the role of the lease, on a connection of the keeper's.

        Values are as in JSON. What JSON has no form for, such as `numeric` or a date, is text.

        Raises:
            ServiceError: the statement fails, takes too long or returns too much, or the server
                or the keeper has gone.
        """
        return self._ask(Query(sql), QueryRows).rows

    def blockers(self) -> dict[int, list[int]]:
        """The server's process ids of sessions that wait for a lock, and of those that hold it.

        Raises:
            ServiceError: the server or the keeper has gone.
        """
        return self._ask(FindBlockers(), Blockers).of

    def end_sessions(self) -> None:
        """End all sessions in the database, which frees their locks.

        Raises:
            ServiceError: the server or the keeper has gone.
        """
        self._ask(EndSessions(), Checked)

    def check(self) -> None:
        """Check that the server is the one that the lease was made in.

        Raises:
            ServiceError: the server or the keeper has gone.
        """
        self._ask(Check(), Checked)

    def _ask(self, message: Request, kind: type[Message]) -> Message:
        try:
            return _ask(self._channel, message, kind)
        except ChannelClosed as error:
            raise ServiceError(
                "The grader's keeper went away in the middle of a play, and its data with it.",
                "Run it again.",
            ) from error

    def close(self) -> None:
        """Give the database back, even if it is still in use."""
        self._channel.close()

    def duplicate(self) -> socket.socket:
        """The connection that it is held by, for another process."""
        return self._channel.duplicate()

    def end(self) -> None:
        """Give the database back, also where others have a duplicate."""
        self._channel.hang_up()

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def wake() -> None:
    """Start the keeper if it does not run. Waits only for one that is ending.

    Raises:
        ServiceError: the state directory cannot be made, or a keeper does not end.
    """
    state = _state()
    deadline = monotonic() + LIMIT
    _reap()
    while not (_will_serve(state) or _start(state)):
        _reap()
        _check(deadline, state)
        sleep(POLL)


def _will_serve(state: KeeperState) -> bool:
    """Whether a keeper runs that will not end because its program was changed."""
    channel = _connect(state)
    if channel is None:
        return False
    try:
        _ask(channel, Check(), Checked)
    except ChannelClosed:
        return False
    finally:
        channel.close()
    return True


def lease(seed_sql: str = "", for_hours: bool = False) -> Lease:
    """A new database, ready to be used. Waits for it, up to `LIMIT` real seconds.

    A player must not be the one that starts the keeper, which would end with it and have its
    limits: the judge calls `wake()` before.

    Args:
        seed_sql: what to run in it first, as the role that the play will be. It may be
            many statements.
        for_hours: for people rather than a play: their statements may take their time.

    Raises:
        ServiceError: there is no server, or the seed fails; the message says why.
    """
    if outside := broker():
        return BrokeredLease.made(outside, seed_sql)
    with for_service():
        return _lease(Ask(seed_sql, for_hours))


class BrokeredLease(Lease):
    """A lease that the broker has made for this player."""

    @classmethod
    def made(cls, outside: Broker, seed_sql: str) -> BrokeredLease:
        """A new one.

        Raises:
            ServiceError: see `lease`.
        """
        made, connection = outside.ask_for_connection(KIND, LeaseDatabase(seed_sql), LeaseMade)
        return cls(outside, Channel(connection), made.address)

    def __init__(self, outside: Broker, channel: Channel, address: Address) -> None:
        super().__init__(channel, address)
        self._outside = outside

    def connect(self, first_packet: bytes) -> socket.socket:
        wanted = OpenSession(self.address.database, first_packet)
        return self._outside.ask_for_connection(KIND, wanted, Done)[1]

    def log_in(self) -> Login:
        wanted = LogIn(self.address.database)
        return BrokeredLogin(
            self._outside, *self._outside.ask_for_connection(KIND, wanted, LoggedIn)
        )

    def close(self) -> None:
        with contextlib.suppress(ServiceError):  # first, for a play may have closed our end already
            self._outside.ask(KIND, GiveBack(self.address.database), Done)
        super().close()


class BrokeredLogin:
    """A session that the broker has logged in to; see `Login`."""

    def __init__(self, outside: Broker, made: LoggedIn, sock: socket.socket) -> None:
        self._outside = outside
        self.sock = sock
        self.pid = made.pid
        self.settings = made.settings

    def cancel(self) -> None:
        self._say(CancelSession(self.pid))

    def close(self) -> None:
        self.sock.close()
        self._say(EndSession(self.pid))

    def _say(self, request: CancelSession | EndSession) -> None:
        with contextlib.suppress(ServiceError):
            self._outside.ask(KIND, request, Done)


def _lease(ask: Ask) -> Lease:
    state = _state()
    deadline = monotonic() + LIMIT
    while True:
        channel = _reach(state, deadline)
        try:
            return Lease(channel, _ask(channel, ask, Leased).address)
        except ChannelClosed as error:  # it was about to end; another one will not be
            channel.close()
            _check(deadline, state, error)
        except ServiceError:
            channel.close()
            raise


def stop() -> None:
    """End the keeper of this state directory, and its server; return when they are gone.

    Raises:
        ServiceError: the keeper does not end.
    """
    state = KeeperState.of_environment()
    deadline = monotonic() + LIMIT
    if channel := _connect(state):
        with contextlib.suppress(ChannelClosed):
            _ask(channel, Stop(), Stopping)
        channel.close()
    while held_by(state.lock) is not None or _is_starting(state):
        _reap()
        _check(deadline, state)
        sleep(POLL)


def _state() -> KeeperState:
    state = KeeperState.of_environment()
    state.make()
    return state


def _reach(state: KeeperState, deadline: float) -> Channel:
    """A connection to the keeper, which is started if need be."""
    _reap()
    while (channel := _connect(state)) is None:
        _start(state)
        if _reap():
            raise _broken(f"cannot begin: {_last_words(state)}", state)
        _check(deadline, state)
        sleep(POLL)
    return channel


def _connect(state: KeeperState) -> Channel | None:
    end = socket.socket(socket.AF_UNIX)
    end.settimeout(LIMIT)
    try:
        end.connect(str(state.socket))
    except OSError:
        end.close()
        return None
    return Channel(end)


def _ask(channel: Channel, message: Request, kind: type[Message]) -> Message:
    with for_service():
        channel.send(message)
        answer: Any = channel.receive(Answer)  # type: ignore[arg-type]
    if isinstance(answer, RequestFailed):
        raise ServiceError(answer.problem, answer.remedy)
    if not isinstance(answer, kind):
        raise ChannelClosed
    return answer


_started: dict[int, Path] = {}
"""The keepers that this process started and that have not ended, with their locks."""


def _is_starting(state: KeeperState) -> bool:
    return state.lock in list(_started.values())


def _start(state: KeeperState) -> bool:
    """Start a keeper, unless one is about to begin or to end; whether it was started.

    It is given the lock at once. Before it has read its own program another process may want
    one: a player, say, and all that a player starts ends with it.
    """
    try:
        lock = Lock(state.lock)
    except PermissionError:  # a player is shut in: the judge has started one, or will
        return False
    try:
        is_ours = lock.take()
        if is_ours:
            _started[_spawn(state, lock.hand_on())] = state.lock
    except OSError as error:
        raise _broken(f"cannot be started: {error}", state) from error
    finally:
        lock.close()
    return is_ours


def _spawn(state: KeeperState, lock: int) -> int:
    command = python_command("grader.services.postgres.daemon.keeper", state.home, lock)
    log = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    # Not `subprocess`, which would wait for it, or warn that it still runs.
    return os.posix_spawn(
        sys.executable,
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(state.log), log, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )


def _reap() -> bool:
    """Forget the keepers that have ended. Returns whether one of them failed."""
    failed = False
    for pid in list(_started):
        try:
            ended, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:  # it was waited for elsewhere, or this is a fork
            ended, status = pid, 0
        if ended:
            _started.pop(pid, None)
        failed |= os.WIFEXITED(status) and status != 0
    return failed


def _check(deadline: float, state: KeeperState, error: ChannelClosed | None = None) -> None:
    if monotonic() > deadline:
        raise _broken(f"did not answer for {LIMIT:.0f} seconds", state) from error


def _broken(what: str, state: KeeperState) -> ServiceError:
    return ServiceError(
        f"The grader's keeper, which looks after databases, {what}.",
        f"See {state.log}. To start over, end what holds {state.lock} (process "
        f"{held_by(state.lock)}) and remove {state.home}.",
    )


def _last_words(state: KeeperState) -> str:
    said = state.log.read_text(errors="replace").splitlines() if state.log.exists() else []
    return said[-1] if said else "it said nothing"


if __name__ == "__main__":
    if sys.argv[1:] != ["stop"]:
        sys.exit("usage: python -m grader.services.postgres.daemon.leases stop")
    stop()
