"""What a player and the broker say to each other of PostgreSQL."""

from __future__ import annotations

import msgspec

from .daemon.messages import Address

KIND = "postgres"
"""Whom the broker asks, as `registry.KINDS` calls it."""


class LeaseDatabase(msgspec.Struct, frozen=True, tag="lease"):
    """Lease a database. The connection that comes with the answer is one to the keeper, with the
    lease on it."""

    seed_sql: str


class GiveBack(msgspec.Struct, frozen=True, tag="give-back"):
    """The lease of a database is over."""

    database: str


class OpenSession(msgspec.Struct, frozen=True, tag="connect"):
    """Open a session at the server of a leased database, and send it a first packet."""

    database: str
    first_packet: bytes


class LogIn(msgspec.Struct, frozen=True, tag="log-in"):
    """Begin a session in a leased database, as its user."""

    database: str


class CancelSession(msgspec.Struct, frozen=True, tag="cancel"):
    """Cancel what the server does for a session that `LogIn` began."""

    pid: int


class EndSession(msgspec.Struct, frozen=True, tag="end"):
    """End a session that `LogIn` began."""

    pid: int


class LoggedIn(msgspec.Struct, frozen=True):
    """The answer to `LogIn`: the server's process, and what it says of its settings."""

    pid: int
    settings: dict[bytes, bytes]


class LeaseMade(msgspec.Struct, frozen=True):
    """The answer to `LeaseDatabase`: how clients log in. The address can't be reached itself."""

    address: Address
