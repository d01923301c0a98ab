"""What `grade dev check` finds in the files of a lesson."""

from __future__ import annotations

import msgspec


class Problem(msgspec.Struct, frozen=True, order=True):
    """Something that is wrong with a lesson.

    Attributes:
        file: as an author would write its path.
        line: from one.
        what: is wrong.
        remedy: what is allowed, or what to do.
    """

    file: str
    line: int
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"
