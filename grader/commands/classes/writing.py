"""Writing what a command of `grade class` makes."""

from __future__ import annotations

from pathlib import Path

from ...course.files import write_whole
from ...model.errors import UsageError


def write(text: str, file: Path) -> None:
    """Put a text into a file, and make the folder for it.

    Raises:
        UsageError: it can't be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, text)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{file} can't be written: {reason}", "name another") from error
