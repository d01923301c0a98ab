"""How a worker ends itself: it says why, and is ended by the page."""

from __future__ import annotations

from typing import NoReturn

from .given import page


def leave(report: bytes) -> NoReturn:
    """Say this, and never come back: what `os._exit` is to a process."""
    page.leave(report.decode())
    raise AssertionError("a worker has outlived its end")
