"""What a Python in a browser is given from outside: by Pyodide, and by the page's `worker.js`.

Elsewhere there is neither, and nothing of this folder can be imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

ffi: Any = import_module("pyodide.ffi")
page: Any = import_module("grader_kernel")


def cpu_seconds() -> float:
    """Seconds of computing, as well as they can be known: a browser tells only real time."""
    return float(page.seconds())


def memory_taken() -> int:
    """Bytes of memory taken since the worker was ready. It is never given back."""
    return int(page.grown())
