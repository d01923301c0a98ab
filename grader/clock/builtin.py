"""Replaces attributes of built-in types, which Python itself refuses to do.

Every reference to such a type, wherever and whenever it was imported, then sees the
replacement. The way is forbiddenfruit's: a type's `__dict__` is a read-only view of a
real dictionary, and the type cache has to be told that it has changed.
"""

from __future__ import annotations

import ctypes
import gc
from typing import Any


def replace_in_builtin(kind: type, name: str, value: Any) -> None:
    """Set `kind.name`, for a type that is implemented in C."""
    real_dict = next(d for d in gc.get_referents(kind.__dict__) if isinstance(d, dict))
    real_dict[name] = value
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))
