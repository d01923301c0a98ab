"""Clients that send one request after another."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from .answers import renumbered
from .described import check
from .errors import UsageError
from .requests import Request, Sent
from .websockets import WebSocket

AnySent = TypeVar("AnySent", bound=Sent)


def client(name: str, *requests: Request | WebSocket) -> tuple[Request | WebSocket, ...]:
    """Requests that one client sends in turn, each when the one before was answered.

    It keeps cookies, and later requests can hold parts of earlier answers:

        client(
            "ada",
            login := post("/login", json={"name": "ada"}),
            get("/me", headers={"Authorization": f"Bearer {login.json['token']}"}),
        )

    Args:
        name: which client it is; each client of a scenario has another.

    Raises:
        UsageError: a request holds a part of an answer that isn't there when it is sent.
    """
    check("name", name, str)
    if not name:
        raise UsageError("a client needs a name", 'as in client("ada", get("/"))')
    places: dict[int, int] = {}
    numbered = []
    for place, one in enumerate(requests):
        check(f"requests[{place}]", one, Request | WebSocket)
        numbered.append(_of_client(name, one, places))
        places[id(one)] = place
    return tuple(numbered)


def _of_client(name: str, one: AnySent, places: dict[int, int]) -> AnySent:
    try:
        changes: dict[str, object] = {
            "client": name,
            "path": renumbered(one.path, places),
            "query": renumbered(one.query, places),
            "headers": tuple((key, renumbered(value, places)) for key, value in one.headers),
        }
        if isinstance(one, Request):
            body = one.body.decode("utf-8", "surrogateescape")
            changes["body"] = renumbered(body, places).encode("utf-8", "surrogateescape")
    except KeyError:
        raise UsageError(
            f"{one.path} holds a part of an answer that comes later, or to another client",
            "put the request whose answer it needs before it, in the same client",
        ) from None
    return msgspec.structs.replace(one, **changes)
