"""The state of a program: what its next steps can see, as a number.

Two equal numbers, some turns of the loop apart, mean that the program is where it was
before. Looking calls and changes nothing: the garbage collector knows which objects refer
to which.
"""

from __future__ import annotations

import gc
from asyncio import Task
from collections import deque
from collections.abc import Iterable
from contextvars import Context
from operator import length_hint
from types import (
    AsyncGeneratorType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    ModuleType,
    TracebackType,
)
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

NEAREST, NEAR, FAR = 50, 200, 3_000
"""Objects that are looked at, the nearest first: most changes are near, and further away than
`FAR` it takes too long."""

_NUMBERS = frozenset({int, float})
_VALUES = _NUMBERS | {complex, bool, str, bytes, type(None)}
_SIZED = frozenset({list, dict, set, deque, bytearray})
_ITERATORS = frozenset(
    {
        *(type(iter(kind())) for kind in (list, tuple, str, bytes, dict, set, bytearray)),
        *(type(iter(range(stop))) for stop in (1, 2**70)),
        type(reversed([])),
    }
)
_NOT_STATE = frozenset({ModuleType, CodeType, FrameType, TracebackType, Context})


class State(NamedTuple):
    """What can be reached from somewhere; and the same, whatever the numbers in it are."""

    exact: int
    but_numbers: int


def state_of(roots: Iterable[Any], most: int) -> State:
    """The state of what can be reached from `roots`, up to so many objects."""
    known: dict[int, int] = {}
    line = list(roots)
    facts: list[object] = []
    numbers: list[object] = []
    for thing in line:  # which grows
        facts += id(type(thing)), _own(thing)
        for child in _children(thing):
            kind = type(child)
            if kind in _VALUES:
                (numbers if kind in _NUMBERS else facts).append(child)
            elif kind not in _NOT_STATE and len(known) < most:
                number = known.setdefault(id(child), len(known))
                facts.append(-number)
                if number == len(known) - 1:
                    line.append(child)
    shape = hash(tuple(facts))
    return State(hash((shape, *numbers)), shape)


def _own(thing: Any) -> object:
    """What a thing is beside what it refers to: how long, how far."""
    kind = type(thing)
    if kind in _SIZED:
        return len(thing)
    if kind in _ITERATORS:
        return length_hint(thing)
    if kind is enumerate:
        return str(thing.__reduce__()[1][1])
    return step_of(thing)


def step_of(thing: Any) -> int | None:
    """How far a coroutine or a generator has come; None for anything else."""
    names = _SUSPENDED.get(type(thing))
    frame = getattr(thing, names[0]) if names else None
    return frame.f_lasti if frame is not None else None


def chain_of(task: Any) -> list[Any]:
    """The coroutine of a task, what that awaits, and so on."""
    chain, at = [], task.get_coro()
    while at is not None:
        chain.append(at)
        at = _awaited_by(at)
    return chain


def _awaited_by(thing: Any) -> Any:
    if names := _SUSPENDED.get(type(thing)):
        return getattr(thing, names[1])
    # Some don't show what they wrap, as what `async for` awaits. The garbage collector does.
    return next((o for o in gc.get_referents(thing) if type(o) in _SUSPENDED), None)


_SUSPENDED = {
    CoroutineType: ("cr_frame", "cr_await"),
    GeneratorType: ("gi_frame", "gi_yieldfrom"),
    AsyncGeneratorType: ("ag_frame", "ag_await"),
}


def _children(thing: Any) -> Iterable[Any]:
    kind = type(thing)
    if kind is FunctionType:
        return _seen_by(thing)
    if isinstance(thing, type):
        return [value for value in vars(thing).values() if type(value) in _SIZED | {int}]
    children = gc.get_referents(thing)
    if _is_the_kits(kind):  # what the kit writes down changes with each turn
        return [child for child in children if type(child) is CoroutineType]
    if isinstance(thing, Task):  # each has a name of its own; most changes are far inside
        return [*reversed(chain_of(thing)), *(c for c in children if type(c) is not str)]
    return children


def _seen_by(function: FunctionType) -> Iterable[Any]:
    """What a function can see outside of itself, by name."""
    names, seen = function.__code__.co_names, function.__globals__
    yield from function.__closure__ or ()
    yield function.__defaults__
    yield function.__kwdefaults__
    yield from (seen[name] for name in names if name in seen)


def _is_the_kits(kind: type) -> bool:
    known = _kits.get(kind)
    if known is None:
        known = _kits[kind] = str(kind.__module__).startswith("grader.")
    return known


_kits: WeakKeyDictionary[type, bool] = WeakKeyDictionary()
