"""What psycopg's pool has to be told where a clock starts at zero."""

from __future__ import annotations

import sys
from typing import Any

_told: set[type] = set()


def tell_psycopg_pools() -> None:
    """Let a pool take back a connection that was made at the very first tick.

    psycopg_pool 3.3 throws away what is no younger than its last `drain()`, and notes the moment
    0 where there was none (`_drained_at` in its `base.py`). Outside of a play it never is 0.
    """
    base = sys.modules.get("psycopg_pool.base")
    pool: Any = getattr(base, "BasePool", None)
    if pool is None or pool in _told:
        return
    _told.add(pool)
    make = pool.__init__

    def make_undrained(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        if getattr(self, "_drained_at", None) == 0.0:
            self._drained_at = -1.0

    pool.__init__ = make_undrained
