"""What a kernel knows of threads and memory, and what it shuts in: here, of stacks."""

from __future__ import annotations

from . import stacks
from .given import cpu_seconds, memory_taken


def install() -> None:
    """Let the kit see stacks where it looks at threads. There are no other processes."""
    from ..processes import isolation, kernel_waits, limits, threads

    given = {
        (threads, "work_of"): lambda native_id: cpu_seconds(),
        (threads, "forget"): lambda native_id: None,
        (threads, "is_asleep"): stacks.is_waiting,
        (limits, "memory_in_use"): memory_taken,
        # A stack that waits for another waits for a lock, as a kernel sees it.
        (kernel_waits, "wait_of"): lambda thread, process=None: kernel_waits.Wait("lock"),
        # The browser does: a worker has no files, no processes and no page.
        (isolation, "isolation"): lambda: isolation.Isolation(landlock=1, seccomp=True),
    }
    for (module, name), function in given.items():
        setattr(module, name, function)
