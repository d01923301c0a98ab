"""Python's audit events, of which a process that plays needs a few."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

Hearer = Callable[[tuple[Any, ...]], None]
"""Called with what comes with an event."""


def hear(events: Mapping[str, Hearer]) -> None:
    """Call these whenever an event of their name is raised, until the process ends.

    There is one hook for them all: it is called hundreds of times in each play, or thousands.
    """

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in events:
            events[event](arguments)

    sys.addaudithook(hook)
