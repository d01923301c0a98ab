"""What scenarios are made of: plain data that refuses nonsense when it is made."""

from __future__ import annotations

from functools import cache

import msgspec

from .errors import UsageError


class Described(msgspec.Struct, frozen=True):
    """What a scenario is made of. Each `float` of it is a time in seconds.

    Raises:
        UsageError: a time is one that the clock cannot reach.
    """

    def __post_init__(self) -> None:
        for field, may_be_none in _times_of(type(self)):
            seconds = getattr(self, field)
            is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
            if not ((is_number and seconds >= 0) or (may_be_none and seconds is None)):
                raise UsageError(
                    f"{field}={seconds!r} isn't a time that can pass",
                    "give seconds: a number, 0 or more",
                )


@cache
def _times_of(struct: type[Described]) -> tuple[tuple[str, bool], ...]:
    """The fields that are times, and whether each may be None."""
    times = {"float": False, "float | None": True}
    fields = [field for base in struct.__mro__ for field in _own_fields(base)]
    return tuple((field, times[kind]) for field, kind in fields if kind in times)


def _own_fields(kind: type) -> list[tuple[str, str]]:
    return list(vars(kind).get("__annotations__", {}).items())
