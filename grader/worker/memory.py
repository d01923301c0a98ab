"""What the worker remembers from play to play, so that a play has less to do."""

from __future__ import annotations

import inspect
from functools import lru_cache


def remember_blocks() -> None:
    """Let `inspect` find the end of the same function only once.

    FastAPI asks for the source of each endpoint (`_extract_endpoint_context` in its
    `routing.py`), and each play makes its app anew: tokenizing it again would take a fifth of a
    short play.
    """
    find = inspect.getblock

    @lru_cache(maxsize=256)
    def found(lines: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(find(lines))

    inspect.getblock = lambda lines: list(found(tuple(lines)))  # type: ignore[assignment]
