"""Forms: what a check takes for the same, though answers write it in several ways.

A moment can be written with `Z`, or with an offset; an id that is drawn is never the same twice.
Both traces of a check are brought into one form before anything is compared or explained.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce
from typing import Any

import msgspec

from ..model.trace import Chunk, Exchange, Trace
from .differences import as_text

Form = Callable[[Trace], Trace]


def as_it_is(trace: Trace) -> Trace:
    """Nothing is left open."""
    return trace


def moments(trace: Trace) -> Trace:
    """A date and time with an offset is the moment that it names, in whatever time zone."""
    return _with_texts(trace, lambda moment: moment.astimezone(UTC))


def moments_in_utc(trace: Trace) -> Trace:
    """UTC is `Z` or `+00:00`; a time in another zone is not the same."""
    return _with_texts(trace, lambda moment: None if moment.utcoffset() else moment)


def ids(trace: Trace) -> Trace:
    """Ids that are drawn, under the key `id`, are numbered in the order in which they are told."""
    known: dict[str, str] = {}
    for exchange in trace.exchanges:
        for one in _members(exchange.json(), "id"):
            known.setdefault(as_text(one), f"id {len(known) + 1}")
    return _with_bodies(
        trace, lambda body: _changed(body, lambda value: known.get(as_text(value), value))
    )


def numbers_in(key: str) -> Form:
    """Texts under this key that are numbers are the number that they name: 1.50 is 1.5."""

    def form(trace: Trace) -> Trace:
        return _with_bodies(trace, lambda body: _with_members(body, key, _plain_number))

    return form


def all_of(*forms: Form) -> Form:
    """Several forms, one after another."""
    return lambda trace: reduce(lambda formed, form: form(formed), forms, trace)


def _with_members(value: Any, key: str, change: Callable[[Any], Any]) -> Any:
    """A value of JSON with `change` made to all that stands under a key, however deep."""
    if isinstance(value, list):
        return [_with_members(element, key, change) for element in value]
    if not isinstance(value, dict):
        return value
    return {
        name: change(member) if name == key else _with_members(member, key, change)
        for name, member in value.items()
    }


def _plain_number(value: Any) -> Any:
    try:
        return format(Decimal(value).normalize(), "f") if isinstance(value, str) else value
    except (ArithmeticError, ValueError):
        return value


def _with_texts(trace: Trace, change: Callable[[datetime], datetime | None]) -> Trace:
    def changed(value: Any) -> Any:
        moment = moment_in(value)
        other = None if moment is None else change(moment)
        return value if other is None else other.isoformat().replace("+00:00", "Z")

    return _with_bodies(trace, lambda body: _changed(body, changed))


def moment_in(value: Any) -> datetime | None:
    """The moment that a text names; None if it's another text, or has no offset."""
    if not isinstance(value, str) or len(value) < len("2026-01-01T00:00Z"):
        return None
    try:
        moment = datetime.fromisoformat(value)
        moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter at the edges of the calendar
        return None
    return moment if moment.tzinfo is not None else None


def _with_bodies(trace: Trace, change: Callable[[Any], Any]) -> Trace:
    exchanges = tuple(_with_body(exchange, change) for exchange in trace.exchanges)
    return msgspec.structs.replace(trace, exchanges=exchanges)


def _with_body(exchange: Exchange, change: Callable[[Any], Any]) -> Exchange:
    """An exchange with another body, all of it in its last piece; without JSON it stays."""
    body = exchange.json()
    if body is None or (changed := change(body)) == body:
        return exchange
    chunk = Chunk(exchange.chunks[-1].at, json.dumps(changed).encode())
    return msgspec.structs.replace(exchange, chunks=(chunk,))


def _changed(value: Any, change: Callable[[Any], Any]) -> Any:
    """A value of JSON with `change` made to all that is neither an object nor a list."""
    if isinstance(value, dict):
        return {key: _changed(member, change) for key, member in value.items()}
    if isinstance(value, list):
        return [_changed(element, change) for element in value]
    return change(value)


def _members(value: Any, key: str) -> list[Any]:
    """All that stands under a key, however deep."""
    if isinstance(value, list):
        return [one for element in value for one in _members(element, key)]
    if not isinstance(value, dict):
        return []
    own = [value[key]] if isinstance(value.get(key), str | int) else []
    return [*own, *(one for member in value.values() for one in _members(member, key))]
