"""Files: how they are called, and how they are written."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class NotRegular(OSError):
    """What should be a file is something else, or too large; in words that follow its name."""


def read_regular(path: Path, most: int) -> bytes:
    """What a file holds, which is not a link, and not something that can be read without end.

    Args:
        most: bytes that it may have.

    Raises:
        NotRegular: it is something else, or larger.
        OSError: it cannot be read.
    """
    if path.is_symlink():
        raise NotRegular("is a link, and what it points to isn't graded")
    with open(path, "rb", opener=_open_regular) as reader:
        raw = reader.read(most + 1)
    if len(raw) > most:
        raise NotRegular(f"is larger than {most / 1e6:g} MB")
    return raw


def _open_regular(path: str, flags: int) -> int:
    file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
    mode = os.fstat(file).st_mode
    if stat.S_ISREG(mode):
        return file
    os.close(file)
    raise NotRegular("is a folder" if stat.S_ISDIR(mode) else "isn't a regular file")


def shown(path: Path) -> str:
    """A path as the learner would write it, in characters that can be sent anywhere."""
    try:
        return utf8(Path(os.path.abspath(path)).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return utf8(path)


def utf8(path: Path | str) -> str:
    """A path as text, with a mark for each byte that isn't UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


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
