"""No proxies: what the machine has set for the internet must not stand between two ends here."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_depth = 0
_before: dict[str, str] = {}


@contextmanager
def without_proxies() -> Iterator[None]:
    """Let clients made meanwhile go straight to the server. Concurrent uses share one."""
    global _depth
    with _lock:
        _depth += 1
        if _depth == 1:
            _take_away()
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                _put_back()


def _take_away() -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        _before[name] = os.environ.pop(name)
    os.environ["no_proxy"] = "*"  # macOS has settings of its own besides


def _put_back() -> None:
    del os.environ["no_proxy"]
    os.environ.update(_before)
    _before.clear()
