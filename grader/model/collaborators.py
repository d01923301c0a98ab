"""How the functions and objects behave that an app factory is handed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from .described import Described


class Error(msgspec.Struct, frozen=True):
    """What a collaborator raises: a built-in exception, or an HTTPException by status."""

    type: str = "ConnectionError"
    text: str = ""
    status: int | None = None


class Takes(Described, frozen=True, tag="takes"):
    """A coroutine function that takes `seconds`, then returns or raises.

    Args:
        parameters: the names of its parameters; None is whatever it is called with.
    """

    seconds: float
    returns: Any = None
    raises: Error | None = None
    parameters: tuple[str, ...] | None = None


class Blocks(Described, frozen=True, tag="blocks"):
    """A plain function that blocks its thread for `seconds`, then returns.

    Args:
        parameters: as those of `Takes`.
    """

    seconds: float
    returns: Any = None
    parameters: tuple[str, ...] | None = None


class Rows(Described, frozen=True, tag="rows"):
    """An async generator function: a row, after every `every` seconds."""

    rows: tuple[Any, ...]
    every: float = 1.0


CLOSED = "the connection is closed"
CLOSED_MEANWHILE = "the connection was closed before the rows were read"
"""What a connection says that is used after it was closed, or closed while it is used."""


class Connects(Described, frozen=True, tag="connects"):
    """A coroutine function that opens a connection with `query(sql)` and `close()`."""

    seconds: float
    query: Takes
    close: float = 0.0


class InTurn(msgspec.Struct, frozen=True, tag="in-turn"):
    """Behaves as the first of `steps` at the first call, and so on; the last one stays.

    It has the parameters of the first.
    """

    steps: tuple[Takes, ...]


class Named(msgspec.Struct, frozen=True, tag="named"):
    """A dict of collaborators."""

    members: dict[str, Takes | InTurn]


def takes(seconds: float, returns: Any = None, *, parameters: Iterable[str] | None = None) -> Takes:
    """A coroutine function that takes `seconds` and returns `returns`; see `Takes`."""
    return Takes(seconds, returns, parameters=_names(parameters))


def fails(
    after: float,
    type: str = "ConnectionError",
    text: str = "",
    status: int | None = None,
    *,
    parameters: Iterable[str] | None = None,
) -> Takes:
    """A coroutine function that raises after `after` seconds.

    Args:
        type: the name of a built-in exception, or `HTTPException`.
        status: the status of the `HTTPException`.
        parameters: see `Takes`.
    """
    error = Error("HTTPException" if status else type, text, status)
    return Takes(after, raises=error, parameters=_names(parameters))


def blocks(
    seconds: float, returns: Any = None, *, parameters: Iterable[str] | None = None
) -> Blocks:
    """A plain function that blocks its thread for `seconds`; see `Blocks`."""
    return Blocks(seconds, returns, _names(parameters))


def _names(parameters: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if parameters is None else tuple(parameters)


def rows(values: Iterable[Any], every: float = 1.0) -> Rows:
    """An async generator function that yields `values`, one every `every` seconds."""
    return Rows(tuple(values), every)


def connects(seconds: float = 0.0, *, query: Takes, close: float = 0.0) -> Connects:
    """A coroutine function that opens a connection; all three times are in seconds."""
    return Connects(seconds, query, close)


def in_turn(*steps: Takes) -> InTurn:
    """A coroutine function whose calls behave as `steps`, one after the other."""
    return InTurn(steps)
