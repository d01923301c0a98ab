"""Watch mode."""

from __future__ import annotations

from pathlib import Path

from ..course import Lesson
from ..errors import UsageError


def watch(
    lesson: Lesson | None, numbers: tuple[int, ...], file: Path | None, seed: int | None
) -> int:
    raise UsageError("watch mode is not here yet")
