"""Python values that JSON has no form for, on their way across a process border.

What a collaborator returns is written down in a scenario, and a scenario is JSON. A value of
another type travels as an object with one key that says what it is, such as
`{"$date": "2026-01-31"}`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from .errors import UsageError


class Linear(msgspec.Struct, frozen=True):
    """A plain function of one number: `factor * x + offset`."""

    factor: float
    offset: float = 0.0

    def __call__(self, x: float) -> float:
        return self.factor * x + self.offset


class Form(NamedTuple):
    """How values of one type travel."""

    name: str
    pack: Callable[[Any], Any]
    unpack: Callable[[Any], Any]


_FORMS: dict[type, Form] = {
    datetime.datetime: Form("$datetime", str, datetime.datetime.fromisoformat),
    datetime.date: Form("$date", str, datetime.date.fromisoformat),
    Decimal: Form("$decimal", str, Decimal),
    bytes: Form(
        "$bytes", lambda value: value.decode("latin-1"), lambda text: text.encode("latin-1")
    ),
    Linear: Form("$linear", lambda value: [value.factor, value.offset], lambda pair: Linear(*pair)),
}
_BY_NAME = {form.name: form for form in _FORMS.values()}


def packed(value: Any) -> Any:
    """A value as JSON can hold it.

    Raises:
        UsageError: it has a type that cannot travel.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {str(key): packed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [packed(item) for item in value]
    form = _FORMS.get(type(value))
    if form is None:
        allowed = ", ".join(sorted(kind.__name__ for kind in _FORMS))
        raise UsageError(
            f"a scenario cannot hold {value!r}, which is a {type(value).__name__}",
            f"use what JSON has, or one of these: {allowed}",
        )
    return {form.name: form.pack(value)}


def unpacked(value: Any) -> Any:
    """What `packed` was given; tuples have become lists."""
    if isinstance(value, list):
        return [unpacked(item) for item in value]
    if isinstance(value, dict):
        if len(value) == 1 and (form := _BY_NAME.get(next(iter(value)))):
            return form.unpack(next(iter(value.values())))
        return {key: unpacked(item) for key, item in value.items()}
    return value
