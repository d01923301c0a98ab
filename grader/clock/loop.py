"""The event loop on a `Clock`.

asyncio's own loop, with three main changes: `time()` reads the clock, timers are
ordered by tick and then by age, and an idle moment is a ladder of decisions instead of
a wait (see `ClockSelector.select`).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import heapq
import selectors
import socket
import sys
from asyncio import selector_events
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import Context
from itertools import count
from typing import Any, cast

from ..model.trace import NEVER, to_seconds, to_ticks
from .clock import Actor, Clock, RanAway, Stuck
from .connections import Connections
from .current import current_actor, current_clock, report_block
from .hosts import is_readable
from .outside import LOOK_EVERY
from .patching import replaced
from .polling import Polling
from .pools import POOL_SIZE
from .real_time import thread_time
from .sockets import park_until, wait_to_connect, without_delay
from .spinning import STEP

_real_select = selectors.DefaultSelector.select

LOOK_AT_THREAD_EVERY = 0.01
"""Real seconds between two looks at a thread that has the turn and does not answer."""

MOST_WORK = 30.0
"""Seconds on a processor that a play may take; one that never rests is ended then."""


class Timer(asyncio.TimerHandle):
    """A timer on a whole tick. Of two on the same tick the older goes first."""

    __slots__ = ("rank",)
    _scheduled: bool
    _source_traceback: list[Any] | None

    def __init__(self, tick: int, rank: tuple[float, int], *args: Any) -> None:
        super().__init__(to_seconds(tick), *args)
        self.rank = (tick, *rank)

    def __lt__(self, other: object) -> bool:
        return self.rank < other.rank if isinstance(other, Timer) else NotImplemented

    @property
    def tick(self) -> int:
        return int(self.rank[0])


class ClockSelector(selectors.DefaultSelector):
    """A real selector for what is ready now, and the ladder for when nothing is."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        # Something is ready, or a callback is: run it. Time stands still.
        self.loop.clock.turns += 1
        events = self._hear(0) if timeout != 0 or self._has_sockets() else []
        polls = timeout == 0 and not events and self.loop.only_polls()
        if events or (timeout == 0 and not polls):
            return self._over(RanAway()) if self.loop.is_out_of_time() else events
        # A loop in a second thread waits for its turn as that thread would.
        if not self.loop.is_at_home():
            self._park(polls)
            return _real_select(self, 0)
        # Real work is outstanding: wait for it in real time. Virtual time stands still.
        if self.loop.clock.busy or self.loop.clock.asides_awake():
            return self._wait_for_work()
        if self.loop.clock.hosts.wake_readers():  # threads have got what they waited for
            return []
        # Something outside owes an answer: wait for it in real time, too.
        if self.loop.clock.outside.owes():
            return self._hear(LOOK_EVERY)
        if events := self._hear(0):  # what it brought about before it came to rest
            return events
        # A thread has handed something over, and was done at that.
        if self.loop._ready and not polls:
            return []
        # Servers of another loop, which is not running: the clock drives them.
        if self.loop.keeps_hosts_waiting() and self.loop.clock.hosts.go_on():
            return []
        # All is at rest in this tick: now is when a client reacts to what it has been sent.
        if self.loop.at_rest:
            self.loop.call_soon(self.loop.at_rest.pop(0))
            self.loop.polling.begin_round()
            return []
        # A timer or a sleeping thread is due next: jump to it.
        due = self.loop.next_step() if polls else self.loop.next_due()
        if due is not None:
            try:
                self.loop.clock.advance_to(due)
            except RanAway as error:
                return self._over(error)
            self.loop.arrange_due()
            return []
        # Nothing but an answer that has been long in coming can wake the program.
        if self.loop.clock.outside.owes(at_the_end=True):
            return self._hear(LOOK_EVERY)
        if events := self._hear(0):
            return events
        # Nothing can ever wake the program, or nothing can ever stop it.
        return self._over(RanAway() if polls else Stuck())

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        self._connections().watch(key.fd)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().modify(fileobj, events, data)
        self._connections().watch(key.fd)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = super().unregister(fileobj)
        self._connections().unwatch(key.fd)
        return key

    def _connections(self) -> Connections:
        return self.loop.clock.outside.connections

    def _hear(self, seconds: float) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready, or is so after some real time."""
        events = _real_select(self, seconds)
        for key, _ in events:
            self._connections().heard(key.fd)
        return events

    def _has_sockets(self) -> bool:
        """Whether anything but the loop's own wake-up pipe is registered."""
        return len(self.get_map()) > 1

    def _park(self, polls: bool) -> None:
        """Let the clock go on, until there is something for a loop in a thread of its own."""
        clock, start = self.loop.clock, self.loop.clock.now
        assert self.loop.actor is not None
        until = self.loop.next_step() if polls else self.loop.next_timer()
        park_until(self.loop.actor, lambda: is_readable(self.fileno()), until)
        if clock.now > start:
            report_block(clock, "a loop of its own", start, on_loop=False)

    def _wait_for_work(self) -> Any:
        clock = self.loop.clock
        clock.give_turn()
        while not clock.await_quiet(LOOK_AT_THREAD_EVERY):
            clock.set_aside_sleeper()
        # The thread has been heard to the end. Only work elsewhere is worth waiting for.
        if not clock.works_elsewhere():
            return _real_select(self, 0)
        ready = _real_select(self, LOOK_AT_THREAD_EVERY)
        if not ready:
            self.loop.while_waiting()
        return ready

    def _over(self, why: Stuck | RanAway) -> Any:
        """Leave the end of the play to the driver; without one, raise it."""
        if self.loop.on_end is None:
            raise why
        on_end, self.loop.on_end = self.loop.on_end, None
        self.loop.clock.clear_up()
        on_end(why)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on a virtual clock.

    Args:
        clock: the time of this loop and of every other loop and thread of the play.

    Attributes:
        at_rest: what to call, one by one, before time next passes.
        arrange: decides in which order timers go that are due together: given their number, it
            gives their places, the first to go first. Without it the oldest goes first.
        on_write: called with the socket (or file descriptor) that a client writes to.
        while_waiting: called while time stands still for work elsewhere that is slow.
        on_abandon: puts back all that the play has replaced, when its thread cannot.
        on_end: called once with `Stuck` or `RanAway`; None lets them raise from `run_*`.
    """

    # Of asyncio's own, and not in its type stubs. They have not changed since Python 3.7.
    _ready: deque[asyncio.Handle]
    _transports: Mapping[int, Any]
    _selector: selectors.BaseSelector | None
    _ssock: socket.socket | None
    _scheduled: list[Timer]
    _timer_cancelled_count: int
    _write_to_self: Callable[[], None]
    _check_closed: Callable[[], None]
    _check_thread: Callable[[], None]
    _check_callback: Callable[[object, str], None]
    _default_executor: concurrent.futures.ThreadPoolExecutor | None

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        selector = ClockSelector()
        selector.loop = self
        super().__init__(selector)
        self.on_end: Callable[[Stuck | RanAway], None] | None = None
        self.at_rest: list[Callable[[], object]] = []
        self.arrange: Callable[[int], list[int]] | None = None
        self.on_write: Callable[[Any], None] | None = None
        self.while_waiting: Callable[[], object] = lambda: None
        self.on_abandon: Callable[[], object] = lambda: None
        self.actor: Actor | None = None
        self._programs: set[Any] = set()
        self.polling = Polling()
        self._moment = self._step = -1
        self._started = thread_time()
        self._asked_for, self._asked_at = 0.0, 0
        self._serial = count()
        self._clock_resolution = to_seconds(1) / 2

    def keeps_hosts_waiting(self) -> bool:
        """Whether it runs in the place of the loop that serves the hosts of the play."""
        return self.clock.hosts.loop not in (None, self)

    def only_polls(self) -> bool:
        """Whether all that is ready asks again and again for what only time can bring."""
        if self.clock.now != self._moment:
            self._moment = self.clock.now
            self.polling.begin_moment(goes_on=self._step == self.clock.now)
        return self.polling.goes_on(self._called_next)

    def _called_next(self) -> list[asyncio.Handle]:
        due = (timer for timer in self._scheduled if timer.tick <= self.clock.now)
        return [*self._ready, *due]

    def is_out_of_time(self) -> bool:
        """Whether it has gone on for longer than any program should."""
        is_late = self.clock.turns % 4096 == 0 and thread_time() - self._started > MOST_WORK
        return is_late or self.clock.is_over()

    def next_step(self) -> int | None:
        """The tick at which those go on that only poll: sooner, if they look at the time."""
        due = self.next_due(after=self.clock.now)
        if self.clock.read_at != self.clock.now:
            return due
        step = self.clock.now + STEP
        if due is not None and due <= step:
            return due
        self._step = step
        return step

    def next_due(self, after: int = -1) -> int | None:
        """The first tick, later than `after`, at which a timer, a thread or a host is due."""
        ticks = (timer.tick for timer in self._scheduled if not timer.cancelled())
        timers = [self.next_timer()] if after < 0 else ticks
        hosts = self.clock.hosts.next_due() if self.keeps_hosts_waiting() else NEVER
        all_ = (*timers, self.clock.next_parked(), hosts)
        dues = [max(due, self.clock.now) for due in all_ if due is not None and due < NEVER]
        return min((due for due in dues if due > after), default=None)

    def is_at_home(self) -> bool:
        """Whether it runs on the thread that moves the clock. Only running it decides that."""
        if self.clock.is_home():
            self.clock.wake_with(self._write_to_self)
            self.actor = None
        else:
            self.actor = current_actor(self.clock)
        return self.actor is None

    def time(self) -> float:
        if sys._getframe(1).f_globals.get("__package__") != "asyncio":
            self.clock.read_at = self.clock.now
        # 0.2 + 0.1 is 0.30000000000000004. Code that asks for that moment once more at the tick
        # 0.3, as anyio does, must not find it still to come for ever.
        return self._asked_for if self._asked_at == self.clock.now else self.clock.seconds

    def arrange_due(self) -> None:
        """Let `arrange` decide the order of the timers that are due now."""
        if self.arrange is None:
            return
        now = self.clock.now
        due = sorted(t for t in self._scheduled if t.tick <= now and not t.cancelled())
        if len(due) < 2:
            return
        for place, which in enumerate(self.arrange(len(due))):
            due[which].rank = (due[which].tick, float(place), due[which].rank[2])
        heapq.heapify(self._scheduled)

    def next_timer(self) -> int | None:
        """The tick of the next timer that has not been cancelled."""
        while self._scheduled and self._scheduled[0].cancelled():
            self._timer_cancelled_count -= 1
            heapq.heappop(self._scheduled)._scheduled = False
        return self._scheduled[0].tick if self._scheduled else None

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Timer:
        if delay is None:
            raise TypeError("delay must not be None")
        self._check_timer(callback)
        return self._arm(self.clock.after(delay), self.time() + delay, callback, args, context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Timer:
        if when is None:
            raise TypeError("when cannot be None")
        self._check_timer(callback)
        return self._arm(to_ticks(when), when, callback, args, context)

    def _check_timer(self, callback: Callable[..., object]) -> None:
        """What asyncio's own loop checks before it arms a timer."""
        self._check_closed()
        if self.get_debug():
            self._check_thread()
            self._check_callback(callback, "call_at")

    def _arm(
        self,
        tick: int,
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: Context | None,
    ) -> Timer:
        if tick == self.clock.now:
            self._asked_for = max(when, self._asked_for)
            self._asked_at = to_ticks(self._asked_for)
        rank = (self.clock.tie_break(), next(self._serial))
        timer = Timer(tick, rank, callback, args, self, context)
        if timer._source_traceback:
            del timer._source_traceback[-2:]
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True
        return timer

    async def sock_connect(self, sock: Any, address: Any) -> None:
        await wait_to_connect(address)
        await super().sock_connect(sock, address)

    def _make_socket_transport(self, sock: Any, *args: Any, **options: Any) -> Any:
        without_delay(sock)
        if self.on_write is None:
            return super()._make_socket_transport(sock, *args, **options)  # type: ignore[misc]
        return _ToldTransport(self, sock, *args, **options)

    def add_reader(self, fd: Any, *args: Any) -> None:  # type: ignore[override]
        if self.on_write is not None:  # libpq has written by itself, and waits for the answer
            self.on_write(fd)
        super().add_reader(fd, *args)

    async def _make_subprocess_transport(self, *args: Any, **options: Any) -> Any:
        made = await super()._make_subprocess_transport(*args, **options)  # type: ignore[misc]
        self._programs.add(made)
        return made

    def close(self) -> None:
        """Close the loop, and end the programs that it has started and that still run."""
        for program in self._programs:
            if program.get_returncode() is None:
                program.kill()
                program._proc.wait()
            program.close()
            for end in program._pipes.values():  # a callback would do it, too late now
                with suppress(Exception):
                    end.pipe._call_connection_lost(None)
        self._programs.clear()
        super().close()

    def call_soon_threadsafe(  # type: ignore[override]
        self, *args: Any, **options: Any
    ) -> asyncio.Handle:
        handle = super().call_soon_threadsafe(*args, **options)
        if self.actor is not None:
            self.clock.wake(self.actor)
        return handle

    def run_in_executor(  # type: ignore[override]
        self,
        executor: concurrent.futures.Executor | None,
        func: Callable[..., Any],
        *args: Any,
    ) -> asyncio.Future[Any]:
        if executor is None:
            executor = self._default_pool()
        return super().run_in_executor(executor, func, *args)

    def _default_pool(self) -> concurrent.futures.ThreadPoolExecutor:
        if self._default_executor is None:
            self._default_executor = concurrent.futures.ThreadPoolExecutor(
                POOL_SIZE, thread_name_prefix="asyncio"
            )
        return self._default_executor


class _ToldTransport(selector_events._SelectorSocketTransport):  # type: ignore[name-defined,misc]
    """asyncio's transport; it reports each write to the loop."""

    def write(self, data: Any) -> None:
        if self._loop is not None and self._loop.on_write is not None:  # else it is closed
            self._loop.on_write(self._sock)
        super().write(data)

    def writelines(self, parts: Any) -> None:
        self.write(b"".join(parts))


_real_init: Any = vars(asyncio.SelectorEventLoop)["__init__"]


def _init(loop: Any, selector: selectors.BaseSelector | None = None) -> None:
    clock = current_clock()
    if type(loop) is asyncio.SelectorEventLoop and clock is not None:
        loop.__class__ = VirtualLoop  # which asyncio.SelectorEventLoop is a base of
        VirtualLoop.__init__(cast(VirtualLoop, loop), clock)
    else:
        _real_init(loop, selector)


@contextmanager
def loops_on_clock() -> Iterator[None]:
    """Let the threads of a play make loops on the clock of that play, however they do it."""
    with replaced(asyncio.SelectorEventLoop, __init__=_init):
        yield
