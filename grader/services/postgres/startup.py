"""The first packet of a client's session: it says who the client is, and the relay checks it."""

from __future__ import annotations

import struct

from .daemon.messages import Address
from .pooler import unsupported
from .wire import Frame

PROTOCOL = 3
"""The version of the protocol whose first packet is read here; the server refuses others."""
NOT_YOURS = "28000"
"""SQLSTATE: invalid authorization specification."""


def refusal_of(startup: Frame, server: Address, is_pooled: bool) -> tuple[str, str] | None:
    """Why a client may not begin a session, as SQLSTATE and words; None if it may.

    A play has one user and one database, whatever a client says.

    Args:
        is_pooled: whether there is a pooler, which can't begin a session with a client's settings.
    """
    (version,) = struct.unpack_from("!H", startup.body)
    if version != PROTOCOL:
        return None
    said = _parameters(startup.body[4:])
    if is_pooled and (refusal := unsupported(said)):
        return refusal
    user = said.get(b"user", b"")
    asked = user, said.get(b"database") or user
    if asked == (server.user.encode(), server.database.encode()):
        return None
    wanted_user, wanted_database = (name.decode("utf-8", "replace") for name in asked)
    return NOT_YOURS, (
        f'this address is for user "{server.user}" and database "{server.database}" only, '
        f'not for user "{wanted_user}" and database "{wanted_database}": '
        "connect with the URL as it was given"
    )


def _parameters(packed: bytes) -> dict[bytes, bytes]:
    """Names and values in turn, each ended by a zero; of a name that comes twice the last value."""
    strings = packed.split(b"\0")
    return dict(zip(strings[::2], strings[1::2], strict=False))
