"""Files: how they are called, read and written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..model.errors import InputError

MOST_BYTES = 1_000_000
"""Of a learner's file."""

OR_RESET = ", or go back to the stub: grade reset LESSON EXERCISE"


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


def read_source(path: Path) -> str:
    """The text of a learner's file.

    Raises:
        InputError: it is not there, isn't a file, is a link, is larger than 1 MB or empty, or
            isn't UTF-8.
    """
    try:
        raw = read_regular(path, MOST_BYTES)
    except NotRegular as error:
        which = "in it" if path.is_dir() else "itself"
        raise InputError(f"{path} {error}", f"name the Python file {which}") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path} cannot be read: {reason}", f"check the path{OR_RESET}") from error
    return source_of(raw, path)


def read_own(path: Path) -> str:
    """The text of a file of the course's, which may be a link.

    Raises:
        InputError: see `read_source`.
    """
    return read_source(Path(os.path.realpath(path)))


def source_of(raw: bytes, path: Path) -> str:
    """The text of a learner's file that has been read already.

    Raises:
        InputError: it is empty, isn't UTF-8, or holds a null byte.
    """
    if not raw.strip():
        raise InputError(f"{path} is empty", f"put your answers into it{OR_RESET}")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path} is not UTF-8: byte 0x{raw[error.start]:02x} in line {line}",
            "save it with the encoding UTF-8 and grade again",
        ) from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InputError(f"{path} holds a null byte in line {line}", "is it a Python file?")
    return text


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
