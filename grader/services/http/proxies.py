"""No proxies: what the machine has set for the internet must not stand between two ends here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ...clock.patching import shared


@shared
@contextmanager
def without_proxies() -> Iterator[None]:
    """Let clients made meanwhile go straight to the server."""
    before = {name: os.environ.pop(name) for name in list(os.environ) if _is_proxy(name)}
    os.environ["no_proxy"] = "*"  # macOS has settings of its own besides
    try:
        yield
    finally:
        del os.environ["no_proxy"]
        os.environ.update(before)


def _is_proxy(name: str) -> bool:
    return name.lower().endswith("_proxy")
