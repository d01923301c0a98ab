"""WebSockets that a scenario opens, and what their clients say and do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from .described import Described, listed
from .errors import UsageError
from .headers import GivenHeaders, pairs_of
from .requests import Sent, check_options, split_target

NORMAL, ABNORMAL, GOING_DOWN = 1000, 1006, 1012
"""Codes of a close (RFC 6455, 7.4.1, and IANA's list): as it should be, without a close frame,
and by a server that stops."""


class Say(Described, frozen=True, tag="say", kw_only=True):
    """The client sends a message.

    Args:
        text: of a text message; without it, it is a message of bytes.
        at: seconds after the request; without it, right after the step before.
        after: not before the client has received this many messages in all.
    """

    text: str | None = None
    body: bytes = b""
    at: float | None = None
    after: int | None = None


class Leave(Described, frozen=True, tag="leave", kw_only=True):
    """The client closes the connection, or loses it.

    Args:
        code: of its close frame; None if it goes without one.
        at: as that of `Say`, and so is `after`.
    """

    code: int | None = NORMAL
    reason: str = ""
    at: float | None = None
    after: int | None = None


Step = Say | Leave


class WebSocket(Sent, frozen=True, tag="websocket", kw_only=True):
    """A WebSocket to open. When all steps are done the client stays, and goes on reading."""

    subprotocols: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


def websocket(
    path: str,
    *steps: Step,
    query: Mapping[str, Any] | None = None,
    headers: GivenHeaders | None = None,
    subprotocols: Iterable[str] = (),
    **options: Any,
) -> WebSocket:
    """A WebSocket whose client does these steps, one after the other.

        websocket("/rooms/a", say(json={"text": "hi"}, at=1), leave(after=2))

    Args:
        options: the other fields of `WebSocket`, such as `at` and `reads`.

    Raises:
        UsageError: the path does not begin with a slash, a step isn't one, or an option isn't.
    """
    for step in steps:
        if not isinstance(step, Say | Leave):
            raise UsageError(f"{step!r} isn't a step of a WebSocket", "use say(...) and leave(...)")
    check_options(options, WebSocket)
    path, query_string = split_target(path, query)
    return WebSocket(
        path=path,
        query=query_string,
        headers=pairs_of(headers),
        subprotocols=listed("subprotocols", subprotocols),
        steps=steps,
        **options,
    )


def say(
    what: str | bytes | None = None,
    *,
    json: Any = msgspec.UNSET,
    at: float | None = None,
    after: int | None = None,
) -> Say:
    """The client sends a text, bytes, or JSON as a text; see `Say`.

    Raises:
        UsageError: there is nothing to say, or two things.
    """
    if (what is None) == (json is msgspec.UNSET):
        raise UsageError("say() needs a string, bytes, or json=...", "give it one of them")
    if json is not msgspec.UNSET:
        what = msgspec.json.encode(json).decode()
    if isinstance(what, bytes):
        return Say(body=what, at=at, after=after)
    return Say(text=what, at=at, after=after)


def leave(
    code: int | None = NORMAL,
    reason: str = "",
    *,
    at: float | None = None,
    after: int | None = None,
) -> Leave:
    """The client closes the connection with this code; with None it is lost. See `Leave`.

    Raises:
        UsageError: no client may send that code.
    """
    if code is not None and code != NORMAL and not 1001 <= code <= 4999:
        raise UsageError(f"a client cannot close with {code}", "use 1000 to 4999, or None")
    if code in (1004, 1005, ABNORMAL, 1015):
        raise UsageError(f"the code {code} is never sent", "for a lost connection, leave(None)")
    return Leave(code=code, reason=reason, at=at, after=after)
