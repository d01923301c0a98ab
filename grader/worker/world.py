"""What the play depends on in its own process, and whether a learner's code has replaced it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from operator import is_, itemgetter
from types import BuiltinFunctionType, FunctionType
from typing import Any

OBSERVED = ("grader", "asyncio", "msgspec", "time")
"""The packages whose functions and classes must stay as they are."""

_FIXED = (FunctionType, BuiltinFunctionType, type, property, classmethod, staticmethod)
_PARTS = ("__code__", "__defaults__", "__kwdefaults__")


class World:
    """The functions and classes of these packages, as they are when `remember` is called.

    A name that is put back before anyone looks isn't noticed, nor what is done to objects. To find
    them all takes some milliseconds, to look at them again a third of one.
    """

    def __init__(self) -> None:
        self._places = list(_places())
        self._functions = frozenset(_functions(self._places))
        self._changed = ""
        self.remember()

    def remember(self) -> None:
        """Take everything for right as it is now."""
        for place in self._places:
            place.remember()
        self._keywords = [
            (function, keywords, list(keywords.values()))
            for function in self._functions
            if (keywords := function.__kwdefaults__)
        ]
        self._changed = ""

    def hear_setattr(self, arguments: tuple[Any, ...]) -> None:
        """Note that a function gets other code, which Python tells its audit hooks as
        `object.__setattr__`. So nobody has to look at them all after each play."""
        function, name, *_ = arguments
        if name in _PARTS and type(function) is FunctionType and function in self._functions:
            self._changed = self._changed or _name_of(function)

    def replaced(self) -> str:
        """The name of something that has been replaced since; empty if nothing has."""
        for place in self._places:
            if name := place.replaced():
                return name
        return self._changed or self._with_another_keyword()

    def _with_another_keyword(self) -> str:
        """The dictionary is the same, and what is in it isn't."""
        for function, keywords, before in self._keywords:
            now = list(keywords.values())
            if len(now) != len(before) or not all(map(is_, now, before)):
                return _name_of(function)
        return ""


def _name_of(function: FunctionType) -> str:
    return f"{function.__module__}.{function.__qualname__}"


class _Place:
    """A module or a class: names, and what they stand for."""

    def __init__(self, name: str, members: Mapping[str, Any]) -> None:
        self._name = name
        self._members = members
        self.fixed = {key: value for key, value in members.items() if isinstance(value, _FIXED)}
        first = next(iter(self.fixed))
        self._get = itemgetter(first, *self.fixed)  # one of them twice, so that it is a tuple
        self._before: tuple[Any, ...] = ()

    def remember(self) -> None:
        self._before = self._get(self._members)

    def replaced(self) -> str:
        try:
            now = self._get(self._members)
        except KeyError as error:
            return f"{self._name}.{error.args[0]}"
        if all(map(is_, now, self._before)):
            return ""
        pairs = zip(self.fixed, now[1:], self._before[1:], strict=True)
        return next(f"{self._name}.{key}" for key, new, old in pairs if new is not old)


def _places() -> Iterator[_Place]:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in OBSERVED and any(map(_is_fixed, vars(module).values())):
            yield _Place(name, vars(module))
            for value in list(vars(module).values()):
                if _is_class_of(value, name):
                    yield _Place(f"{name}.{value.__name__}", vars(value))


def _is_class_of(value: object, module: str) -> bool:
    """Whether it is a class that the module defines, with something to look at."""
    if not isinstance(value, type) or value.__module__ != module:
        return False
    return any(map(_is_fixed, vars(value).values()))


def _is_fixed(value: object) -> bool:
    return isinstance(value, _FIXED)


def _functions(places: list[_Place]) -> Iterator[FunctionType]:
    for place in places:
        yield from (value for value in place.fixed.values() if isinstance(value, FunctionType))
