"""pytest, where anyio knows of no loop but asyncio's: also in the pytests that tests start."""

from __future__ import annotations

import sys

import anyio._core._eventloop
import pytest

for name in ("get_all_backends", "get_available_backends"):
    setattr(anyio._core._eventloop, name, lambda: ("asyncio",))

if __name__ == "__main__":
    sys.exit(pytest.main())
