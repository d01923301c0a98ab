"""What was found to be right: it isn't looked at again until something that it comes of changes."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import platformdirs

from ..course.catalog import Lesson, course
from ..course.files import write_whole
from ..model.problems import Problem
from ..model.version import APPLICATION
from .digests import digest

Seen = dict[str, dict[str, bool] | None]
"""The checks that an answer was graded by: None if it passes, else which aspects differ."""


class Found(msgspec.Struct, frozen=True):
    """What a look has found; of an answer of the bank also what its checks have seen."""

    problems: list[Problem]
    seen: Seen = {}


class ResultCache:
    """What was found, by the digest of all that it comes of.

    What is wrong is remembered only as long as this object is there: it may have been the
    machine's fault. The rest is kept in a file.
    """

    def __init__(self, lesson: Lesson) -> None:
        name = digest(str(course().root))[:16]
        folder = platformdirs.user_cache_path(APPLICATION)
        self._file = folder / "checked" / f"{name}-{lesson.name}.json"
        self._found = {key: Found([], seen) for key, seen in self._read().items()}
        self._asked: set[str] = set()

    def get(self, key: str) -> Found | None:
        """What was found before, if it was."""
        self._asked.add(key)
        return self._found.get(key)

    def put(self, key: str, found: Found) -> None:
        """Remember what was found."""
        self._found[key] = found

    def save(self, *, all_asked: bool) -> None:
        """Keep what was right.

        Args:
            all_asked: whether what nobody has asked for is of no use any more.
        """
        right = {key: found.seen for key, found in self._found.items() if not found.problems}
        if all_asked:
            right = {key: seen for key, seen in right.items() if key in self._asked}
        if right != self._read():
            with suppress(OSError):  # next time all is looked at anew
                self._file.parent.mkdir(parents=True, exist_ok=True)
                write_whole(self._file, msgspec.json.encode(right).decode())

    def _read(self) -> dict[str, Seen]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, Seen])
        except (OSError, msgspec.DecodeError):
            return {}
