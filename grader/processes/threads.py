"""What the kernel knows of a thread: is it working, or asleep in a system call?"""

from __future__ import annotations

import sys
from contextlib import suppress

from .proc import text_of


def _state_and_work(native_id: int) -> tuple[str, str] | None:
    """Whether a thread sleeps, and a measure of what it has done so far."""
    task = f"/proc/self/task/{native_id}"
    try:
        fields = text_of(f"{task}/stat").rpartition(")")[2].split()
        return fields[0], _work_in(task) or f"{fields[11]} {fields[12]}"
    except OSError:
        return None


def _work_in(task: str) -> str:
    """Nanoseconds on a processor; `stat` has only hundredths of a second. Not all kernels tell."""
    with suppress(FileNotFoundError):
        return text_of(f"{task}/schedstat").split()[0]
    return ""


def work_of(native_id: int) -> float:
    """Seconds that a thread has been on a processor; 0 where that is not known."""
    state = _state_and_work(native_id)
    if state is None or " " in state[1]:
        return 0.0
    return int(state[1]) / 1e9


_seen: dict[int, tuple[str, str]] = {}


def forget(native_id: int | None) -> None:
    """A thread goes to work: that it was asleep before says nothing any more."""
    if native_id is not None:
        _seen.pop(native_id, None)


def is_asleep(native_id: int) -> bool:
    """Whether a thread was asleep at this look and at the last, having done nothing between.

    Where the kernel doesn't say (macOS), a thread that has not answered between two
    looks is taken to be asleep.
    """
    if not sys.platform.startswith("linux"):
        asleep = native_id in _seen
        _seen[native_id] = ("S", "")
        return asleep
    now = _state_and_work(native_id)
    before = _seen.get(native_id)
    if now is None:
        return True
    _seen[native_id] = now
    return now == before and now[0] == "S"
