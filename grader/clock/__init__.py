"""A virtual clock for asyncio: exact, and as fast as the code between the waits."""

from .clock import Clock, RanAway, Stuck
from .current import live_by, now_of
from .install import clocks_installed
from .loop import VirtualLoop

__all__ = ["Clock", "RanAway", "Stuck", "VirtualLoop", "clocks_installed", "live_by", "now_of"]
