"""PostgreSQL outside of a play: a database for `grade serve`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .daemon.leases import lease
from .forwarding import reachable


@contextmanager
def serve(seed_sql: str) -> Iterator[str]:
    """A database, begun with some SQL, for as long as the block lasts; its URL.

    Raises:
        ServiceError: there is no server, or it refuses the SQL.
    """
    with lease(seed_sql, for_hours=True) as leased, reachable(leased.address) as address:
        yield address.dsn
