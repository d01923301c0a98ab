"""What outside of the loop still owes a play an answer, in real time.

The clock stands still while something does. What is at work owes an answer: a process that
the play has started, or a thread beside the loop, for as long as the kernel says that it
runs. What sleeps owes nothing that can be measured. The exceptions are those that the play
has asked last: a server elsewhere, or a call in C that a thread waits in. They are given
some patience.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator

from ..model.scenarios import PATIENCE
from ..processes.activity import (
    Activity,
    Thread,
    children_of,
    state_of_thread,
    threads_here,
    threads_of,
    will_wake,
)
from ..processes.kernel_waits import Wait, wait_of
from .connections import Connections
from .real_time import monotonic

AT_WORK = 10
"""How many times as long to wait for what is at work, in CPU time of its own."""
AT_THE_END = 5
"""How many times as long to wait where nothing else can happen."""
LOOK_EVERY = 0.005
"""Real seconds between two looks."""


class Outside:
    """What a play waits for in real time.

    Args:
        patience: real seconds for an answer from what seems to sleep.

    Attributes:
        processes: the processes that the play has started.
        sleepers: the play's threads that wait in calls in C, as the kernel numbers them.
        connections: the sockets that the loop of the play waits at.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self.processes: set[int] = set()
        self.sleepers: Callable[[], list[int]] = list
        self.connections = Connections(patience, lambda: bool(self.processes))
        self._threads_before = threads_here()
        self._activity = Activity()
        self._last_at_work = 0.0
        self._asleep_since: dict[tuple[int, str], float] = {}

    def owes(self, at_the_end: bool = False) -> bool:
        """Whether there is anything to wait for.

        Args:
            at_the_end: nothing else can happen, so what sleeps is waited for, too.
        """
        sleepers = self.sleepers()
        if not (sleepers or self.processes or self.connections.any):
            return False
        patience = self.patience * (AT_THE_END if at_the_end else 1)
        return bool(
            self._others_work(sleepers)  # first, for it notes what processes start in turn
            or self.connections.owe(patience)
            or self._calls_take_time(sleepers, patience)
            or (at_the_end and self._processes_sleep())
        )

    def _others_work(self, sleepers: Iterable[int]) -> bool:
        """Whether a process, or a thread that isn't the play's own, is at work."""
        if not self._activity.is_any_at_work(self._others(sleepers)):
            return False
        self._last_at_work = monotonic()
        # Their own time is counted, for on a busy machine they get little of it.
        return self._activity.worked < self.patience * AT_WORK

    def _others(self, sleepers: Iterable[int]) -> Iterator[Thread]:
        yield from self._threads_of_processes()
        here = os.getpid()
        for sleeper in sleepers:
            for process in children_of(here, sleeper):
                yield from threads_of(process)
        for thread in threads_here() - self._threads_before - {threading.get_native_id()}:
            yield here, thread

    def _threads_of_processes(self) -> set[Thread]:
        threads = {thread for process in self.processes for thread in threads_of(process)}
        # What has ended is forgotten. What it had started goes on, and is nobody's child then.
        self.processes = {process for process, _ in threads}
        return threads

    def _calls_take_time(self, sleepers: Iterable[int], patience: float) -> bool:
        """Whether a thread waits in C, and not for long yet, for what is not in this play."""
        before, self._asleep_since = self._asleep_since, {}
        for sleeper in sleepers:
            key = sleeper, state_of_thread(os.getpid(), sleeper)
            self._asleep_since[key] = before.get(key, monotonic())
        return any(
            monotonic() - since < patience and self._is_for_outside(wait_of(thread))
            for (thread, _), since in self._asleep_since.items()
        )

    def _is_for_outside(self, wait: Wait) -> bool:
        if wait.kind == "read" and wait.files is not None:
            return any(self.connections.leads_outside(file) for file in wait.files)
        return wait.kind != "lock"

    def _processes_sleep(self) -> bool:
        """Whether a process waits for a moment that will come in real time."""
        is_early = monotonic() - self._last_at_work < self.patience * AT_THE_END
        return is_early and will_wake(self._threads_of_processes())
