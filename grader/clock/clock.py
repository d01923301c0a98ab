"""The clock: a whole number of ticks, and the threads that use it.

Threads that belong to a play are its *actors*. At most one of them runs at a time, and
only while the loop is idle, so that a play with threads is as repeatable as one
without. An actor is waiting for its turn, running, parked until a tick, or aside: seen
asleep in the kernel (on a lock, say) while it had the turn, so that others go first.
"""

from __future__ import annotations

import heapq
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from queue import Empty, SimpleQueue
from typing import NoReturn

from ..model.scenarios import PATIENCE
from ..model.trace import TICKS_PER_SECOND, to_seconds, to_ticks
from ..processes.threads import forget, is_asleep
from .hosts import Hosts
from .outside import LOOK_EVERY, Outside
from .readings import Readings
from .real_time import RealLock, real_get, real_put
from .real_time import sleep as real_sleep
from .spinning import Moment, Spinning

EPOCH = 1_767_225_600
"""The `time.time()` at which a play begins unless it is given another: 2026-01-01 00:00 UTC."""
ORIGIN_DEPTH = 12
"""Frames that reach from where a library makes a coroutine to the own line that led there."""


class Stuck(BaseException):
    """Nothing can ever wake the program: no timer, no thread, no socket."""


class RanAway(BaseException):
    """The program went on and on: past the time limit, or with no time passing at all."""


class PlayOver(BaseException):
    """Raised in a thread that is still parked when its play is over, or that will never go on."""


def is_end_of_play(error: BaseException) -> bool:
    """Whether an error is only the end of the play that comes through, alone or in a group."""
    in_group = isinstance(error, BaseExceptionGroup) and error.subgroup(PlayOver) is not None
    return in_group or isinstance(error, PlayOver)


class Actor:
    """A thread (or the work that will run on one) that uses the clock."""

    def __init__(self) -> None:
        self.native_id: int | None = None
        self.at_work = False
        self.aside = False
        self.woken = False
        self.parked_at: int | None = None
        # A queue written in C: other threads' locks are replaced by ones that wait here.
        self._turn: SimpleQueue[None] = SimpleQueue()
        self.ident: int | None = None

    def grant(self) -> None:
        real_put(self._turn, None)

    def await_turn(self) -> None:
        real_get(self._turn)
        self.native_id, self.ident = threading.get_native_id(), threading.get_ident()


class Clock:
    """Virtual time, and whose turn it is.

    Args:
        time_limit: ticks after which a program that is still going has run away.
        epoch: the `time.time()` at which it begins.
        patience: see `Outside`.
        origin_depth: frames that a coroutine remembers of where it was made, to name the line if
            it is lost.

    Attributes:
        turns: how many turns the loop has taken.
        before_exit: of what a process waits for before it exits, whether each is over.
        read_at: the last tick at which somebody looked at the time.
        spinning: whether a thread does nothing but that.
        steady: what `time.monotonic` shows.
        wall: what `time.time` shows.
    """

    def __init__(
        self,
        time_limit: int = 600 * TICKS_PER_SECOND,
        epoch: float = EPOCH,
        patience: float = PATIENCE,
        origin_depth: int = ORIGIN_DEPTH,
    ) -> None:
        self.now = 0
        self.origin_depth = origin_depth
        self.steady, self.wall = Readings(), Readings(to_ticks(epoch))
        self.time_limit = time_limit
        self.turns = 0
        self.read_at = -1
        self.spinning = Spinning()
        self.holds = 0
        self.tie_break: Callable[[], float] = lambda: 0.0
        self.home = threading.get_ident()
        self._notify: Callable[[], None] = lambda: None
        self._lock = RealLock()
        self._serial = count()
        self._waiting: deque[Actor] = deque()
        self._running: Actor | None = None
        self._asides: set[Actor] = set()
        self._resting: set[Actor] = set()
        self._parked: list[tuple[int, int, Actor]] = []
        self.before_exit: list[Callable[[], bool]] = []
        self._given_up: SimpleQueue[None] = SimpleQueue()
        self.hosts = Hosts(self.wake)
        self._over = False
        self.at_work = False
        self._ending = False
        self._looks = 0
        self.on_blocked: Callable[[str], object] = lambda what: None
        self.outside = Outside(patience)
        self.outside.sleepers = self._sleepers

    def __repr__(self) -> str:
        return f"<Clock {self.seconds:.6f} s>"

    @property
    def seconds(self) -> float:
        return to_seconds(self.now)

    @property
    def date(self) -> int:
        """The date and time now, in ticks since 1970."""
        return self.wall.origin + self.now

    def after(self, seconds: float) -> int:
        """The tick at which a wait of so many seconds that begins now is over."""
        end = self.now + to_ticks(seconds)
        self.steady.wait(seconds, self.now, end)
        self.wall.wait(seconds, self.now, end)
        return end

    def overrun(self, reader: str) -> None:
        """A wait is over, and the code of a file is shown a bit more than that."""
        self.steady.overrun(self.now, reader)
        self.wall.overrun(self.now, reader)

    def is_over(self) -> bool:
        """Whether the time is up. A play that clears up may go on."""
        return self.now >= self.time_limit and not self._ending

    def clear_up(self) -> None:
        """The play has come to its end: what is left may be cleared up, whatever the time."""
        self._ending = True

    def advance_to(self, tick: int) -> None:
        """Let time pass until `tick`; parked threads that are due get in line.

        Raises:
            RanAway: that is past the time limit.
            ValueError: that is in the past.
        """
        if tick < self.now:
            raise ValueError(f"the clock at {self.now} cannot go back to {tick}")
        if tick > self.time_limit:
            raise RanAway
        self.now = tick
        with self._lock:
            while self._parked and self._parked[0][0] <= tick:
                self._line_up(heapq.heappop(self._parked)[2])

    def block(self, seconds: float) -> None:
        """What `time.sleep` does on the loop's own thread: all stands still but time and hosts."""
        # Past the time limit it is the loop that notices: an error here would be the sleeper's.
        end = min(self.after(seconds), self.time_limit)
        self.hosts.settle()
        while (due := self.hosts.next_due()) <= end:
            self.advance_to(due)
            self.hosts.settle()
        self.advance_to(end)

    def is_home(self) -> bool:
        """Whether the calling thread is the one that the loop of the play runs on."""
        return threading.get_ident() == self.home

    def moment_of_thread(self) -> Moment:
        """Within what the calling thread works; on the loop's own it is over with each turn."""
        ident = threading.get_ident()
        return ident, self.now, self.turns if ident == self.home else 0

    @contextmanager
    def working(self, actor: Actor | None = None) -> Iterator[None]:
        """While machinery waits for a moment that comes by itself, such as a thread's start.

        Args:
            actor: the calling thread, which keeps its turn; None on the loop's own.
        """
        worker: Clock | Actor = self if actor is None and self.is_home() else actor or Actor()
        before, worker.at_work = worker.at_work, True
        try:
            yield
        finally:
            worker.at_work = before

    def has_turn(self, actor: Actor) -> bool:
        """Whether it is the actor's turn to run."""
        return self._running is actor

    def running_thread(self) -> tuple[int, int] | None:
        """The thread that has the turn, as Python and the kernel number it."""
        actor = self._running
        return (actor.ident, actor.native_id) if actor and actor.ident and actor.native_id else None

    def resting_threads(self) -> list[int]:
        """The threads that wait, as Python numbers them, in the order of their making."""
        return sorted(actor.ident for actor in self._resting | self._asides if actor.ident)

    def block_for_good(self, what: str) -> NoReturn:
        """End the play: the loop's own thread waits for what nothing will ever bring.

        Args:
            what: the call in which it waits.

        Raises:
            PlayOver: always.
        """
        self.on_blocked(what)
        raise PlayOver

    def block_until(self, ready: Callable[[], bool], deadline: int | None = None) -> None:
        """Block the loop's own thread until other threads have brought something about.

        Returns also at the tick `deadline`, and without one also when none of them ever
        will; then the caller is stuck for real.
        """
        last = self.time_limit if deadline is None else min(deadline, self.time_limit)
        while not ready():
            if self.busy or self.asides_awake():
                self.give_turn()
                real_sleep(0.0005)
                self._looks += 1
                if self._looks % 20 == 0:
                    self.set_aside_sleeper()
            elif self.hosts.go_on():
                continue
            elif self.outside.owes():
                real_sleep(LOOK_EVERY)
            elif ready():
                return
            elif self._next_without_loop() < last:
                self.advance_to(self._next_without_loop())
            else:
                if deadline is not None:
                    self.advance_to(last)
                return

    def _next_without_loop(self) -> int:
        """The tick at which a thread or a host goes on, whatever the loop does."""
        return min([self.hosts.next_due(), *(entry[0] for entry in self._parked[:1])])

    def wake_with(self, notify: Callable[[], None]) -> None:
        """Call `notify` whenever a thread gives up its turn; it must be thread-safe."""
        self._notify = notify

    # What the loop asks when it is idle.

    @property
    def busy(self) -> bool:
        """Whether real work is outstanding, so that time must stand still."""
        return self.holds > 0 or self._running is not None or bool(self._waiting)

    def give_turn(self) -> None:
        """Let the next thread in line run, if none is running."""
        with self._lock:
            if self._running is None and self._waiting:
                self._running = self._waiting.popleft()
                forget(self._running.native_id)
                self._running.grant()

    def works_elsewhere(self) -> bool:
        """Whether the outstanding work is not a thread's that has, or waits for, the turn."""
        return self.holds > 0 or self.asides_awake()

    def await_quiet(self, seconds: float) -> bool:
        """Wait until no thread runs, for so long of real time; whether that came to be."""
        while self._running is not None:
            try:
                real_get(self._given_up, timeout=seconds)
            except Empty:
                return False
        return True

    def next_parked(self) -> int | None:
        """The tick at which the first parked thread is due."""
        return self._parked[0][0] if self._parked else None

    def set_aside_sleeper(self) -> None:
        """Take the turn from a thread that sleeps in the kernel instead of working."""
        actor = self._running
        if actor is None or actor.native_id is None or actor.at_work:
            return
        if is_asleep(actor.native_id):
            with self._lock:
                if self._running is actor:
                    actor.aside = True
                    self._asides.add(actor)
                    self._running = None

    def _sleepers(self) -> list[int]:
        return [actor.native_id for actor in tuple(self._asides) if actor.native_id]

    def asides_awake(self) -> bool:
        """Whether a thread that was set aside is working again."""
        return any(a.native_id and not is_asleep(a.native_id) for a in tuple(self._asides))

    # What threads ask.

    def enlist(self) -> Actor:
        """Put work that a thread is about to do in line for a turn."""
        actor = Actor()
        with self._lock:
            self._line_up(actor)
        return actor

    def park(self, actor: Actor, until: int | None, unless_woken: bool = False) -> None:
        """Give up the turn until a tick (None: until woken), and come back with a turn.

        Args:
            unless_woken: whether to return at once if it was to be woken before it could rest.

        Raises:
            PlayOver: the play has ended.
        """
        with self._lock:
            if self._over:
                raise PlayOver
            if unless_woken and actor.woken:
                return
            actor.parked_at = next(self._serial)
            if until is not None:
                heapq.heappush(self._parked, (until, actor.parked_at, actor))
            self._resting.add(actor)
            # Last: the loop doesn't lock when it looks whether anyone runs, and then what is due.
            self._give_up(actor)
        self._notify()
        try:
            self.await_turn(actor)
        finally:
            self._resting.discard(actor)

    def wake(self, actor: Actor) -> None:
        """Put a parked actor in line before its time, if it is parked."""
        with self._lock:
            actor.woken = True
            if actor.parked_at is not None:
                self._parked = [entry for entry in self._parked if entry[2] is not actor]
                heapq.heapify(self._parked)
                self._line_up(actor)
        self._notify()

    def leave(self, actor: Actor) -> None:
        """The actor's work is done."""
        with self._lock:
            self._give_up(actor)
        self._notify()

    def hold(self) -> None:
        """Work that no thread of the play does is outstanding: time stands still."""
        with self._lock:
            self.holds += 1

    def release(self) -> None:
        """That work is done."""
        with self._lock:
            self.holds -= 1
        self._notify()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Time stands still in this block."""
        self.hold()
        try:
            yield
        finally:
            self.release()

    def await_turn(self, actor: Actor) -> None:
        """Wait on the actor's own thread until it is its turn.

        Raises:
            PlayOver: there is no more play to take part in.
        """
        actor.await_turn()
        if self._over:
            raise PlayOver

    @property
    def is_finished(self) -> bool:
        """Whether its play is over."""
        return self._over

    def take_over(self, actor: Actor) -> None:
        """Count on a thread of an earlier play that waits in C: it may be given work in this."""
        with self._lock:
            self._asides.add(actor)

    def finish(self) -> None:
        """The play is over: threads that are parked or in line are released."""
        with self._lock:
            self._over = True
            left = {*self._resting, *self._waiting}
            self._parked.clear()
            self._waiting.clear()
        for actor in left:
            actor.grant()

    def line_up(self, actor: Actor) -> None:
        """Put an actor that waited for a free thread in line for a turn."""
        with self._lock:
            self._line_up(actor)

    def _line_up(self, actor: Actor) -> None:
        actor.parked_at = None
        self._waiting.append(actor)

    def _give_up(self, actor: Actor) -> None:
        if actor.aside:
            actor.aside = False
            self._asides.discard(actor)
        elif self._running is actor:
            self._running = None
            real_put(self._given_up, None)
        elif actor in self._waiting:
            self._waiting.remove(actor)
