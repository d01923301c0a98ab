"""Databases for one player, from outside: it gets leases, and connections for these alone."""

from __future__ import annotations

import socket
import struct

import msgspec

from ..base.broker import Brought, Done
from ..base.errors import ServiceError
from .brokered import (
    CancelSession,
    EndSession,
    GiveBack,
    LeaseDatabase,
    LeaseMade,
    LoggedIn,
    LogIn,
    OpenSession,
)
from .daemon.leases import Lease, lease
from .daemon.messages import Address
from .dialling import connect, handed_over
from .logins import Login
from .startup import refusal_of
from .wire import CANCEL, GSS, TLS, FrameParser, Malformed

Request = LeaseDatabase | GiveBack | OpenSession | LogIn | CancelSession | EndSession
MOST_LOGINS = 100
"""Sessions of poolers that a player may have at a time."""
MOST_LEASES = 3
"""That a player may have at a time: two players of a learner's leave some for the reference's."""


class PostgresBroker:
    """Leases databases for a player, and connects it to them."""

    def __init__(self) -> None:
        self._leases: dict[str, Lease] = {}
        self._logins: dict[int, Login] = {}

    def answer(self, request: bytes) -> Brought:
        match msgspec.json.decode(request, type=Request):
            case LeaseDatabase(seed_sql):
                return self._lease(seed_sql)
            case GiveBack(database):
                self._give_back(database)
            case OpenSession(database, first_packet):
                return Brought(Done(), self._connect(database, first_packet))
            case LogIn(database):
                return self._log_in(database)
            case CancelSession(pid) if pid in self._logins:
                self._logins[pid].cancel()
            case EndSession(pid) if pid in self._logins:
                self._logins.pop(pid).close()
        return Brought(Done())

    def _lease(self, seed_sql: str) -> Brought:
        if len(self._leases) >= MOST_LEASES:
            raise ServiceError(f"A play may have {MOST_LEASES} databases at a time.", "Use fewer.")
        leased = lease(seed_sql)
        self._leases[leased.address.database] = leased
        return Brought(LeaseMade(leased.address), leased.duplicate())

    def _give_back(self, database: str) -> None:
        if leased := self._leases.pop(database, None):
            leased.end()

    def _connect(self, database: str, first_packet: bytes) -> socket.socket:
        address = self._known(database).address
        if not is_for(address, first_packet):
            raise ConnectionRefusedError("the first packet is for another database, or malformed")
        return handed_over(connect(address, first_packet))

    def _log_in(self, database: str) -> Brought:
        if len(self._logins) >= MOST_LOGINS:
            raise ConnectionRefusedError(f"a play may have {MOST_LOGINS} sessions of a pooler")
        login = self._known(database).log_in()
        self._logins[login.pid] = login
        return Brought(LoggedIn(login.pid, login.settings), login.sock.dup())

    def _known(self, database: str) -> Lease:
        if database not in self._leases:
            raise ConnectionRefusedError("there is no such lease")
        return self._leases[database]

    def close(self) -> None:
        for login in self._logins.values():
            login.close()
        for database in list(self._leases):
            self._give_back(database)


def is_for(address: Address, first_packet: bytes) -> bool:
    """Whether a packet begins a session of this user in this database, or cancels a statement,
    for which a client has to know the session's secret."""
    try:
        frames = list(FrameParser(first_packet=True).feed(first_packet))
    except Malformed:
        return False
    if [frame.packed[1:] for frame in frames] != [first_packet]:
        return False
    (code,) = struct.unpack_from("!I", frames[0].body)
    begins = code not in (TLS, GSS) and refusal_of(frames[0], address, is_pooled=False) is None
    return code == CANCEL or begins
