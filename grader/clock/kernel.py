"""What the kernel knows of a thread: is it working, or asleep in a system call?"""

from __future__ import annotations

import sys
from pathlib import Path

_TASKS = Path("/proc/self/task")


def _state_and_cpu(native_id: int) -> tuple[str, str, str] | None:
    try:
        fields = (_TASKS / str(native_id) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], fields[11], fields[12]


_seen: dict[int, tuple[str, str, str]] = {}


def is_asleep(native_id: int) -> bool:
    """Whether a thread was asleep at this look and at the last, having done nothing between.

    Where the kernel does not tell (macOS), a thread that has not answered between two
    looks is taken to be asleep.
    """
    if not sys.platform.startswith("linux"):
        asleep = native_id in _seen
        _seen[native_id] = ("S", "", "")
        return asleep
    now = _state_and_cpu(native_id)
    before = _seen.get(native_id)
    if now is None:
        return True
    _seen[native_id] = now
    return now == before and now[0] == "S"
