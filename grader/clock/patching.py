"""Replaces attributes for a while: of modules, of classes, and of types written in C.

Python itself refuses the last. The way around is forbiddenfruit's: a type's `__dict__`
is a read-only view of a real dictionary, and the type cache has to be invalidated after a change.
Every reference to the type, wherever it was imported, then sees the replacement.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, **attributes: Any) -> Iterator[None]:
    """Set attributes of `owner`, and put the former ones back in the end."""
    before = {name: vars(owner)[name] for name in attributes}
    _set(owner, attributes)
    try:
        yield
    finally:
        _set(owner, before)


@contextmanager
def added(owner: Any, **attributes: Any) -> Iterator[None]:
    """Set attributes that `owner` need not have, and in the end leave it as it was."""
    with put_back(owner, *attributes):
        _set(owner, attributes)
        yield


@contextmanager
def put_back(owner: Any, *names: str) -> Iterator[None]:
    """Put attributes of `owner` back that others replace, add or take away meanwhile."""
    before = {name: vars(owner).get(name, _ABSENT) for name in names}
    try:
        yield
    finally:
        now = {name: vars(owner).get(name, _ABSENT) for name in names}
        _set(owner, {name: value for name, value in before.items() if value is not now[name]})


_ABSENT = object()


_IMMUTABLE = 1 << 8
"""The flag of a type whose attributes can't be set: CPython's `Py_TPFLAGS_IMMUTABLETYPE`."""


def _set(owner: Any, attributes: dict[str, Any]) -> None:
    if isinstance(owner, type) and owner.__flags__ & _IMMUTABLE:
        _set_in_builtin(owner, attributes)
        return
    for name, value in attributes.items():
        if value is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, value)


def _set_in_builtin(kind: type, attributes: dict[str, Any]) -> None:
    real_dict = next(d for d in gc.get_referents(kind.__dict__) if isinstance(d, dict))
    for name, value in attributes.items():
        if value is _ABSENT:
            del real_dict[name]
        else:
            real_dict[name] = value
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))
