"""Whether processes, and other threads of this one, are at work (Linux)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from .kernel_waits import wait_of
from .proc import names_in, text_of

_ASLEEP = frozenset("SZXTtI")

Thread = tuple[int, int]
"""A process id and a thread id."""


def threads_of(process: int) -> Iterator[Thread]:
    """The threads of a process, and of all that it has started."""
    with suppress(OSError):
        for thread in names_in(f"/proc/{process}/task"):
            yield process, int(thread)
            for child in children_of(process, int(thread)):
                yield from threads_of(child)


def children_of(process: int, thread: int) -> list[int]:
    """The processes that a thread has started."""
    with suppress(OSError):
        text = text_of(f"/proc/{process}/task/{thread}/children")
        return [int(child) for child in text.split()]
    return []


def threads_here() -> frozenset[int]:
    """The ids of all threads of this process, whatever started them."""
    with suppress(OSError):
        return frozenset(map(int, names_in("/proc/self/task")))
    return frozenset()


class Activity:
    """Looks at some threads again and again.

    Attributes:
        worked: seconds on a processor that they have taken since they were last all at rest.
    """

    def __init__(self) -> None:
        self.worked = 0.0
        self._seen: dict[Thread, str] = {}

    def is_any_at_work(self, threads: Iterable[Thread]) -> bool:
        """Whether one of them runs, waits for a disk, or has run since the last look."""
        now = {thread: state_of_thread(*thread) for thread in threads}
        before, self._seen = self._seen, now
        works = any(
            state and (state[0] not in _ASLEEP or before.get(thread) != state)
            for thread, state in now.items()
        )
        self.worked = self.worked + _work_between(before, now) if works else 0.0
        return works


def _work_between(before: dict[Thread, str], now: dict[Thread, str]) -> float:
    both = [(before[thread], state) for thread, state in now.items() if before.get(thread)]
    return sum(int(new[1:] or old[1:]) - int(old[1:]) for old, new in both) / 1e9


def will_wake(threads: Iterable[Thread]) -> bool:
    """Whether one of them waits for a moment, or has just begun to run again."""
    kinds = {wait_of(thread, process).kind for process, thread in threads}
    return not kinds.isdisjoint(("sleep", "unknown"))


def state_of_thread(process: int, thread: int) -> str:
    """What a thread does, and for how long it has done something; empty if it has ended."""
    task = f"/proc/{process}/task/{thread}"
    try:
        state = text_of(f"{task}/stat").rpartition(")")[2].split()[0]
        return state + text_of(f"{task}/schedstat").split()[0]
    except (OSError, IndexError):
        return ""
