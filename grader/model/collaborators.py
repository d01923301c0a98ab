"""How the functions and objects behave that an app factory is handed."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from .described import Described, check, listed, mapped
from .errors import UsageError
from .headers import Headers, check_headers
from .values import packed


class Error(Described, frozen=True):
    """What a collaborator raises: a built-in exception, or an HTTPException by status.

    Raises:
        UsageError: there is no exception of that name.
    """

    type: str = "ConnectionError"
    text: str = ""
    status: int | None = None
    headers: Headers = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        kind = getattr(builtins, self.type, None)
        is_known = isinstance(kind, type) and issubclass(kind, Exception)
        if not is_known and self.type != "HTTPException":
            raise UsageError(
                f"{self.type!r} isn't the name of an exception",
                "name a built-in one, such as 'ConnectionError', or give a status",
            )


class Takes(Described, frozen=True, tag="takes"):
    """A coroutine function that takes `seconds`, then returns or raises.

    Args:
        parameters: the names of its parameters; None is whatever it is called with.
        cleanup: the seconds that it takes to end when it is cancelled.
    """

    seconds: float
    returns: Any = None
    raises: Error | None = None
    parameters: tuple[str, ...] | None = None
    cleanup: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        msgspec.structs.force_setattr(self, "returns", packed(self.returns))


class InTurn(Described, frozen=True, tag="in-turn"):
    """Behaves as the first of `steps` at the first call, and so on; the last one stays.

    It has the parameters of the first.
    """

    steps: tuple[Takes, ...]


class ArgumentCase(Described, frozen=True):
    """How a function behaves when it is called with these arguments."""

    arguments: tuple[Any, ...]
    behaves: Takes | InTurn


class ByArgument(Described, frozen=True, tag="by-argument"):
    """Behaves as the first of `cases` whose arguments it is called with, else as `otherwise`.

    Args:
        parameters: as those of `Takes`.
    """

    cases: tuple[ArgumentCase, ...]
    otherwise: Takes | InTurn
    parameters: tuple[str, ...] | None = None


Behaviour = Takes | InTurn | ByArgument
"""What a coroutine function does when it is called."""


class Blocks(Described, frozen=True, tag="blocks"):
    """A plain function that blocks its thread for `seconds`, then returns or raises.

    Args:
        parameters: as those of `Takes`.
    """

    seconds: float
    returns: Any = None
    parameters: tuple[str, ...] | None = None
    raises: Error | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        msgspec.structs.force_setattr(self, "returns", packed(self.returns))


class Rows(Described, frozen=True, tag="rows", kw_only=True):
    """An async generator function: a row, after every `every` seconds.

    Args:
        raises: what it raises after the last row.
        ends: whether it ends after the last row; else it waits for ever, as a subscription does.
        after_argument: whether it is called with a number, and yields only the rows (pairs that
            begin with a number) that come after it.
        parameters: as those of `Takes`.
    """

    rows: tuple[Any, ...]
    every: float = 1.0
    raises: Error | None = None
    ends: bool = True
    after_argument: bool = False
    parameters: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        msgspec.structs.force_setattr(self, "rows", tuple(map(packed, self.rows)))


CLOSED = "the connection is closed"
CLOSED_MEANWHILE = "the connection was closed before the rows were read"
"""What a resource says that is used after it was closed, or closed while it is used."""


class Opens(Described, frozen=True, tag="opens"):
    """A coroutine function that returns a resource: an object with coroutine methods.

    A resource with a method `close` refuses to be used once that was called.

    Args:
        opening: how the function itself behaves; what it returns is the resource.
    """

    opening: Behaviour
    methods: dict[str, Behaviour]


class Named(Described, frozen=True, tag="named"):
    """A dict of collaborators."""

    members: dict[str, Behaviour]


class Value(msgspec.Struct, frozen=True, tag="value"):
    """A value as it is, such as a secret or a setting."""

    value: Any

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "value", packed(self.value))


def value(value: Any) -> Value:
    """A value that the factory is handed as it is: `secret=value("open sesame")`.

    It is made of what `takes` can return.
    """
    return Value(value)


def takes(
    seconds: float,
    returns: Any = None,
    *,
    parameters: Iterable[str] | None = None,
    cleanup: float = 0.0,
) -> Takes:
    """A coroutine function that takes `seconds` and returns `returns`; see `Takes`.

    What it returns is made of what JSON has, and of dates, datetimes, decimals, bytes and
    `Linear` functions.
    """
    return Takes(seconds, returns, parameters=_names(parameters), cleanup=cleanup)


def fails(
    after: float = 0.0,
    type: str = "ConnectionError",
    text: str = "",
    status: int | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    parameters: Iterable[str] | None = None,
) -> Takes:
    """A coroutine function that raises after `after` seconds.

    Args:
        type: the name of a built-in exception, or `HTTPException`.
        status: the status of the `HTTPException`; `headers` are its headers.
        parameters: see `Takes`.
    """
    return Takes(after, raises=_error(type, text, status, headers), parameters=_names(parameters))


def _error(
    type: str, text: str, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Error:
    kind = "HTTPException" if status is not None else type
    fields = tuple(mapped("headers", headers or {}).items())
    check_headers(fields)
    return Error(kind, text, status, fields)


def blocks(
    seconds: float,
    returns: Any = None,
    *,
    raises: str | None = None,
    text: str = "",
    parameters: Iterable[str] | None = None,
) -> Blocks:
    """A plain function that blocks its thread for `seconds`; see `Blocks`.

    Args:
        raises: the name of the built-in exception that it raises then, with the text `text`.
    """
    error = _error(raises, text) if raises is not None else None
    return Blocks(seconds, returns, _names(parameters), error)


def _names(parameters: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if parameters is None else listed("parameters", parameters)


def rows(
    values: Iterable[Any],
    every: float = 1.0,
    *,
    raises: str | None = None,
    text: str = "",
    ends: bool = True,
    after_argument: bool = False,
    parameters: Iterable[str] | None = None,
) -> Rows:
    """An async generator function that yields `values`, one every `every` seconds; see `Rows`.

    Args:
        raises: the name of the built-in exception that it raises in the end, with `text`.
    """
    return Rows(
        rows=listed("values", values),
        every=every,
        raises=_error(raises, text) if raises is not None else None,
        ends=ends,
        after_argument=after_argument,
        parameters=_names(parameters),
    )


def opens(
    opening: float | Behaviour = 0.0, *, close: float | Behaviour | None = 0.0, **methods: Behaviour
) -> Opens:
    """A coroutine function that opens a resource with these coroutine methods.

        open_cache=opens(1, get=takes(0.1, "value"), close=fails(after=0.5))

    Args:
        opening: how the opening behaves, or the seconds that it takes.
        close: how closing behaves, or the seconds that it takes; None for a resource without it.
    """
    if close is not None:
        methods["close"] = _behaviour(close)
    return Opens(_behaviour(opening), methods)


def _behaviour(what: float | Behaviour) -> Behaviour:
    return Takes(what) if isinstance(what, int | float) else what


def connects(seconds: float = 0.0, *, query: Behaviour, close: float = 0.0) -> Opens:
    """A coroutine function that opens a connection with `query(sql)` and `close()`.

    Args:
        seconds: how long opening takes; `close` is how long closing takes.
    """
    return opens(seconds, query=_with_any_arguments(query), close=close)


def _with_any_arguments(behaviour: Behaviour) -> Behaviour:
    """A query is given SQL and perhaps values, whatever other functions of the scenario take."""
    check("query", behaviour, Behaviour)
    if isinstance(behaviour, InTurn):
        steps = (msgspec.structs.replace(step, parameters=None) for step in behaviour.steps)
        return InTurn(tuple(steps))
    return msgspec.structs.replace(behaviour, parameters=None)


def in_turn(*steps: Takes) -> InTurn:
    """A coroutine function whose calls behave as `steps`, one after the other.

    Raises:
        UsageError: there are none.
    """
    if not steps:
        raise UsageError("in_turn() has no steps", "give it one step or more")
    return InTurn(steps)


def by_argument(
    cases: Mapping[Any, Takes | InTurn],
    otherwise: Takes | InTurn,
    *,
    parameters: Iterable[str] | None = None,
) -> ByArgument:
    """A coroutine function whose answer depends on what it is called with.

        exists=by_argument({("username", "ada"): takes(1, True)}, otherwise=takes(1, False))

    Args:
        cases: how it behaves, by its argument, or by a tuple of its arguments.
        otherwise: how it behaves when it is called with anything else.
        parameters: see `Takes`.
    """
    return ByArgument(
        tuple(
            ArgumentCase(key if isinstance(key, tuple) else (key,), behaves)
            for key, behaves in mapped("cases", cases).items()
        ),
        otherwise,
        _names(parameters),
    )
