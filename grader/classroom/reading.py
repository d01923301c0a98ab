"""Reads what a student has handed in, folders and archives alike, within bounds.

Nothing is written, and no link is followed. An archive in an archive is read like a folder.
"""

from __future__ import annotations

import io
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

MOST_FILES = 5_000
"""Files that one student may hand in; more than a project has, fewer than an environment."""
MOST_BYTES = 32 * 1024 * 1024
"""Bytes of them that are read, after archives are opened."""
LARGEST = 1024 * 1024
"""Bytes of a file that is kept. No program that somebody typed is larger."""
DEEPEST = 3
"""Archives in one another."""
DEEPEST_FOLDER = 100
"""Folders in one another."""

SKIPPED = frozenset({"__MACOSX", "__pycache__", "node_modules", "site-packages", "venv", "env"})
"""Folders that hold nothing that a student wrote; so do those that begin with a dot."""

BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,  # a way to compress that Python doesn't know
    RuntimeError,  # a password is wanted
    ValueError,
    EOFError,
)
"""What `zipfile` raises where an archive isn't in order."""


class Unreadable(Exception):
    """What was handed in can't be read, or holds more than anyone hands in."""


class FoundFile(NamedTuple):
    """A file as it was handed in.

    Attributes:
        path: seen from the place that was read. An archive is a folder in it.
        data: None if it is too large to be an answer, or a link.
        modified: when it was last changed, as far as the file system or the archive knows.
        is_link: whether it only names another file, which isn't read.
    """

    path: PurePosixPath
    data: bytes | None
    modified: datetime | None
    is_link: bool = False


def read_place(place: Path, name: str) -> list[FoundFile]:
    """All files in a folder, in an archive, or the one file that it is.

    Args:
        name: what the student called it.

    Raises:
        Unreadable: it can't be read, or holds too much.
    """
    budget = _Budget()
    try:
        return list(_in_place(place, PurePosixPath(name), budget))
    except OSError as error:
        raise Unreadable(f"it can't be read: {error.strerror or error}") from error


def as_text(name: str) -> str:
    """A file's name, in which bytes that aren't UTF-8 are written as `\\xff`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


class _Budget:
    """What may still be read of one student's."""

    def __init__(self) -> None:
        self.files = MOST_FILES
        self.bytes = MOST_BYTES

    def take(self, size: int) -> None:
        self.files -= 1
        self.bytes -= size
        if self.files < 0:
            raise Unreadable(f"it holds more than {MOST_FILES} files")
        if self.bytes < 0:
            raise Unreadable(f"it holds more than {MOST_BYTES >> 20} MB")


def _in_place(place: Path, path: PurePosixPath, budget: _Budget) -> Iterator[FoundFile]:
    if place.is_symlink():
        raise Unreadable(f"{path} is a link, not a file")
    if place.is_dir():
        yield from _in_folder(place, path, budget)
    else:
        status = place.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(f"{path} isn't a file")
        modified = datetime.fromtimestamp(status.st_mtime).astimezone()
        is_kept = status.st_size <= _most(path)
        budget.take(status.st_size if is_kept else 0)
        data = place.read_bytes() if is_kept else None
        yield from _file(FoundFile(path, data, modified), budget, 0)


def _in_folder(folder: Path, path: PurePosixPath, budget: _Budget) -> Iterator[FoundFile]:
    if len(path.parts) > DEEPEST_FOLDER:
        raise Unreadable(f"its folders are more than {DEEPEST_FOLDER} deep")
    for child in sorted(folder.iterdir()):
        if _is_skipped(child.name):
            continue
        inside = path / as_text(child.name)
        if child.is_symlink():
            yield _link(inside, budget)
        else:
            yield from _in_place(child, inside, budget)


def _link(path: PurePosixPath, budget: _Budget) -> FoundFile:
    budget.take(0)
    return FoundFile(path, None, None, is_link=True)


def _is_skipped(name: str) -> bool:
    return name in SKIPPED or name.startswith(".")


def _most(path: PurePosixPath) -> int:
    return MOST_BYTES if is_archive(path.name) else LARGEST


def is_archive(name: str) -> bool:
    """Whether a file of that name is opened like a folder."""
    return name.lower().endswith(".zip")


def _file(found: FoundFile, budget: _Budget, depth: int) -> Iterator[FoundFile]:
    if not is_archive(found.path.name):
        yield found
    elif found.data is None:
        raise Unreadable(f"{found.path} is larger than {MOST_BYTES >> 20} MB")
    elif depth == DEEPEST:
        raise Unreadable(f"{found.path} is an archive in an archive, {DEEPEST} deep")
    else:
        yield from _in_archive(found, budget, depth + 1)


def _in_archive(archive: FoundFile, budget: _Budget, depth: int) -> Iterator[FoundFile]:
    assert archive.data is not None
    folder = archive.path.with_suffix("")
    try:
        with zipfile.ZipFile(io.BytesIO(archive.data)) as opened:
            for info in opened.infolist():
                if _is_left_out(info):
                    continue
                if _is_link(info):
                    yield _link(folder.joinpath(*_parts(info)), budget)
                elif _is_file(info):
                    yield from _file(_entry(opened, info, folder, budget), budget, depth)
    except BROKEN as error:
        raise Unreadable(f"{archive.path} can't be opened: {error}") from error


def _is_left_out(info: zipfile.ZipInfo) -> bool:
    return info.is_dir() or any(map(_is_skipped, _parts(info)))


def _is_link(info: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(info.external_attr >> 16)


def _is_file(info: zipfile.ZipInfo) -> bool:
    return stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG)


def _parts(info: zipfile.ZipInfo) -> tuple[str, ...]:
    """The path of an entry, without what would lead out of the archive."""
    parts = PurePosixPath(info.filename.replace("\\", "/")).parts
    return tuple(part for part in parts if part not in ("/", "..", "."))


def _entry(
    opened: zipfile.ZipFile, info: zipfile.ZipInfo, folder: PurePosixPath, budget: _Budget
) -> FoundFile:
    path = folder.joinpath(*_parts(info))
    most = _most(path)
    data = None
    if info.file_size <= most:
        budget.take(info.file_size)
        with opened.open(info) as stream:
            data = stream.read(most)  # never more than the size that the archive states
    else:
        budget.take(0)
    return FoundFile(path, data, _modified(info))


def _modified(info: zipfile.ZipInfo) -> datetime | None:
    try:
        return datetime(*info.date_time).astimezone()
    except (ValueError, OverflowError):
        return None
