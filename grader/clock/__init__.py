"""A virtual clock for asyncio: exact, and as fast as the code between the waits."""

from .clock import EPOCH, Clock, RanAway, Stuck
from .current import current_clock, use_clock
from .install import clocks_installed
from .loop import VirtualLoop

__all__ = [
    "EPOCH",
    "Clock",
    "RanAway",
    "Stuck",
    "VirtualLoop",
    "clocks_installed",
    "current_clock",
    "use_clock",
]
