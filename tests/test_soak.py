"""The short form of the soak: about 10 s. `soak.py` has the long one."""

from __future__ import annotations

import asyncio

from soak import own_temporary_folder, soak


def test_attacks_leave_nothing_and_change_no_verdict() -> None:
    with own_temporary_folder():
        assert asyncio.run(soak(4)) == []
