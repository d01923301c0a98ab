"""What two processes of the kit say to each other first: which kit they run.

Both can come from different ones: when another version is installed while `grade --watch`
runs, say. Messages would then be misread without a trace of why.
"""

from __future__ import annotations

import msgspec

from ..model.errors import GraderError
from ..model.version import VERSION
from .spawn import PACKAGE


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """The first message of a process that was started: the kit that it runs."""

    version: str = VERSION
    package: str = PACKAGE

    def __str__(self) -> str:
        return f"version {self.version} in {self.package}"


class VersionMismatch(GraderError):
    """Two processes of the grader run different kits."""


def check_peer(peer: Hello) -> None:
    """Check that the other side runs the same kit as this process.

    Raises:
        VersionMismatch: it does not.
    """
    ours = Hello()
    if peer != ours:
        raise VersionMismatch(
            f"two versions of the grader have met: this process runs {ours}, and the one "
            f"that it started runs {peer}",
            "start the command again; if that does not help, install the kit again",
        )
