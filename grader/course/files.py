"""Files: how they are called, and how they are written."""

from __future__ import annotations

import os
from pathlib import Path


def shown(path: Path) -> str:
    """A path as the learner would write it."""
    try:
        return str(Path(os.path.abspath(path)).relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def draft_of(path: Path) -> Path:
    """The place beside `path` where its next text is written first."""
    return path.with_name(f".{path.name}.{os.getpid()}")


def write_whole(path: Path, text: str) -> None:
    """Replace a file's text: a reader finds the old one or the new, never a part.

    A link stays a link, and a file's permissions are kept.

    Raises:
        OSError: it cannot be written; it is as it was.
    """
    place = Path(os.path.realpath(path))
    draft = draft_of(place)
    try:
        draft.write_text(text, "utf-8", newline="")
        if place.exists():
            draft.chmod(place.stat().st_mode)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)
