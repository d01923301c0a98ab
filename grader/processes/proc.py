"""What the kernel says in files of its own (`/proc`, Linux), read while a loop may be running.

`posix` has the functions of `os` as they came with Python. So what looks for blocking calls, as
blockbuster does in people's tests, takes no notice of these: they never wait.
"""

from __future__ import annotations

import mmap
import posix

_AT_ONCE = 65_536


def names_in(folder: str) -> list[str]:
    """The names in a folder.

    Raises:
        OSError: it isn't there.
    """
    return posix.listdir(folder)


def text_of(path: str) -> str:
    """All of a file.

    Raises:
        OSError: it isn't there, or isn't to be read.
    """
    file = posix.open(path, posix.O_RDONLY)
    try:
        return b"".join(iter(lambda: posix.read(file, _AT_ONCE), b"")).decode("utf-8", "replace")
    finally:
        posix.close(file)


def part_of(path: str, start: int, size: int) -> bytes:
    """So many bytes of a file.

    Raises:
        OSError: it isn't there, or has none at that place.
    """
    file = posix.open(path, posix.O_RDONLY)
    try:
        return posix.pread(file, size, start)
    finally:
        posix.close(file)


def private_memory(process: int) -> int:
    """Bytes that a process has for itself; 0 where it can't be known, or has ended."""
    try:
        _, resident, shared, *_ = map(int, text_of(f"/proc/{process}/statm").split())
    except (OSError, ValueError):
        return 0
    return (resident - shared) * mmap.PAGESIZE
