"""What is used of Motor that is not in its documentation, with the reason.

Tried with Motor 3.7. `tests/test_mongo.py` says when the name is no longer there. What is used
of nx-27017 and neosqlite stands in `nx.py`, which is made for one version of each.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from ...clock.pools import POOL_SIZE


def renew_threads_of_motor() -> None:
    """Give Motor new threads, as many on every machine.

    It shares its threads between all clients of a process, and so between plays: they are in
    `_EXECUTOR`.
    """
    if motor := sys.modules.get("motor.frameworks.asyncio"):
        vars(motor)["_EXECUTOR"] = ThreadPoolExecutor(POOL_SIZE)
