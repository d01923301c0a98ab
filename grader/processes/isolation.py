"""What keeps a player to itself on this machine, and what it lacks for that."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from ..model.errors import UsageError
from . import landlock, seccomp
from .landlock import Rule
from .privileges import give_up_privileges


class Isolation(NamedTuple):
    """What the kernel can do.

    Attributes:
        landlock: the version of Landlock, by which files are kept from a player; 0 for none.
        seccomp: whether it can keep system calls from one.
    """

    landlock: int
    seccomp: bool

    @property
    def is_whole(self) -> bool:
        """Whether a player is kept from files and from other processes."""
        return self.landlock > 0 and self.seccomp

    @property
    def keeps_signals(self) -> bool:
        """Whether a player can signal only what it has started, past Python, too."""
        return self.landlock >= landlock.SCOPED_FROM

    @property
    def lacks(self) -> str:
        """What is missing, in words; empty if nothing is."""
        if sys.platform != "linux":
            return "only Linux has Landlock and seccomp"
        missing = [
            name
            for name, is_there in (("Landlock", self.landlock > 0), ("seccomp", self.seccomp))
            if not is_there
        ]
        return f"its kernel has no {' and no '.join(missing)}" if missing else ""

    @property
    def note(self) -> str:
        """What a report says where something is missing; empty if nothing is."""
        if self.is_whole:
            return ""
        return (
            f"This machine can't shut the file in ({self.lacks}): it ran with your rights. "
            "SECURITY.md says what that means."
        )


@cache
def isolation() -> Isolation:
    """What this machine's kernel can do."""
    return Isolation(landlock.abi(), seccomp.is_available())


def require_isolation() -> None:
    """Refuse to go on where a player can't be shut in.

    Raises:
        UsageError: it can't.
    """
    if not isolation().is_whole:
        raise UsageError(
            f"this machine can't shut a file in: {isolation().lacks}",
            "use Linux 5.13 or newer with Landlock, or grade without --isolation required",
        )


def shut_in(rules: Iterable[Rule]) -> None:
    """Give up for good what the kernel lets one give up: files but these, system calls, and what
    root may do.

    Raises:
        OSError: the kernel refuses what it has said it can do.
    """
    able = isolation()
    give_up_privileges()
    if able.landlock:
        landlock.restrict(rules)
    if able.seccomp:
        seccomp.refuse_calls()
