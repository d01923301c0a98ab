"""Writes down what happens in a play. It records facts; it judges nothing."""

from __future__ import annotations

import contextvars
import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from ..clock import Clock
from ..clock.clock import is_end_of_play
from ..clock.current import outside_of_loop
from ..clock.real_time import thread_time
from ..model.trace import (
    AROUND,
    Ending,
    Failure,
    Incident,
    IncidentKind,
    LogRecord,
    Moment,
    Span,
    SpanKind,
)
from .lines import Lines

MOST_SPANS = 20_000
"""Spans kept of one play; a program that makes more is not explained better by them."""
EXPLAINING = AROUND | {"wait"}
"""Kinds that say how it came to what happened: a play can do without some of them."""

current_exchange: contextvars.ContextVar[int | None] = contextvars.ContextVar(
    "current_exchange", default=None
)
"""The number of the exchange that the running task or thread belongs to."""


class Open:
    """A span that has begun and not ended."""

    __slots__ = ("facts", "start")

    def __init__(self, start: Moment, facts: dict[str, Any]) -> None:
        self.start = start
        self.facts = facts


class Recorder:
    """The events of one play, in order.

    Attributes:
        handled: the errors that an HTTPException took the place of, by exchange.
        keeps_raised: whether to keep the first exception that the app lets out of a request, in
            `raised`. It keeps alive all that its traceback leads to, lost coroutines included.
        last_resumed: the watched coroutine whose turn it was last.
        last_own_line: where it was in own code when it suspended.
        before_end: called before the last coroutines are looked for.
        ended: the tick at which the play was over; None while it goes on.
        lost_track: whether a coroutine was lost that may have been made in own code, further up
            the stack than it remembers.
        is_full: whether a span was left out that more depends on than an explanation.
        own_cpu: seconds of computing that were the kit's, looking, and not the program's.
    """

    def __init__(self, clock: Clock, lines: Lines) -> None:
        self.clock = clock
        self.lines = lines
        self.spans: list[Span] = []
        self.incidents: list[Incident] = []
        self.logs: list[LogRecord] = []
        self.open: dict[int, Open] = {}
        self.handled: dict[int | None, Failure] = {}
        self.keeps_raised = False
        self.raised: BaseException | None = None
        self.last_resumed: Any = None
        self.last_own_line: int | None = None
        self.ended: int | None = None
        self.lost_track = False
        self.is_full = False
        self.own_cpu = 0.0
        self.before_end: Callable[[], None] = lambda: None
        self.events = 0
        self._resources = 0

    def moment(self) -> Moment:
        """Now; each call is later than the one before, also within a tick."""
        self.events += 1
        return Moment(self.clock.now, self.events)

    def new_resource(self) -> int:
        self._resources += 1
        return self._resources

    def begin(self, kind: SpanKind, name: str, **facts: Any) -> Open:
        """Begin a span; `facts` are fields of `Span`."""
        facts.setdefault("exchange", current_exchange.get())
        span = Open(self.moment(), {"kind": kind, "name": name, **facts})
        self.open[id(span)] = span
        return span

    def end(self, span: Open, how: Ending, at: Moment | None = None, **facts: Any) -> None:
        """End a span, unless the play has already closed it.

        Args:
            at: when that was; without it, now.
        """
        if self.open.pop(id(span), None) is None:
            return
        if len(self.spans) >= MOST_SPANS:
            self.is_full |= span.facts["kind"] not in EXPLAINING
        else:
            end = at or self.moment()
            self.spans.append(Span(start=span.start, end=end, how=how, **(span.facts | facts)))

    def forget(self, span: Open) -> None:
        """Leave a span out that has turned out to be nothing to tell of."""
        self.open.pop(id(span), None)

    def past(self, kind: SpanKind, name: str, start: int, **facts: Any) -> None:
        """Record a span that began at the tick `start` and ends now."""
        span = self.begin(kind, name, task=self.task_name(), **facts)
        span.start = Moment(start, span.start.order)
        self.end(span, "done")

    def close(self) -> int:
        """The play is over: end what is still going on as `open`. Returns the tick of the end."""
        if self.ended is None:
            self.ended = self.clock.now
        for span in list(self.open.values()):
            self.end(span, "open")
        self.spans.sort(key=lambda span: span.start)
        return self.ended

    @contextmanager
    def looking(self) -> Iterator[None]:
        """What the calling thread computes in this block is the kit's."""
        began = thread_time()
        try:
            yield
        finally:
            self.own_cpu += thread_time() - began

    def task_name(self) -> str:
        """The name of the task that is running, as spans give it."""
        return getattr(self.last_resumed, "task_name", "") if self.clock.is_home() else "thread"

    def line_of_call(self) -> int | None:
        """The own line that made the call that is running now.

        A task's first step has no own frame below it; the line that made the task has.
        """
        return self.lines.of_stack() or getattr(self.last_resumed, "made_at", None)

    def incident(self, kind: IncidentKind, **facts: Any) -> None:
        """Note what is never right; `facts` are fields of `Incident`."""
        facts.setdefault("exchange", current_exchange.get())
        incident = Incident(kind=kind, **({"at": self.moment()} | facts))
        if not (self._repeats(incident) or self.is_over(incident.at.tick)):
            self.incidents.append(incident)

    def is_over(self, tick: int) -> bool:
        """Whether the play had come to its end before a tick."""
        return self.ended is not None and tick > self.ended

    def comes_of_end(self, error: BaseException) -> bool:
        """Whether an error is only what becomes of code whose play is over."""
        return self.ended is not None or is_end_of_play(error)

    def _repeats(self, new: Incident) -> bool:
        """A loop that blocks a thousand times at one line is reported a hundred times, and once
        if no time passes."""
        same = [old for old in self.incidents if (old.kind, old.line) == (new.kind, new.line)]
        return len(same) >= 100 or (new.kind in TOLD_ONCE and _is_at_once(same, new))

    def failure_of_request(self, error: BaseException) -> Failure:
        """An exception that the app lets out of a request, as data."""
        if self.keeps_raised:
            self.raised = self.raised or error
        return self.failure(error)

    def note_handled(self, error: BaseException) -> None:
        """An HTTPException is made while this one is handled."""
        self.handled[current_exchange.get()] = self._outline(error)

    def failure(self, error: BaseException) -> Failure:
        """An exception as data."""
        with outside_of_loop():  # the lines are read from their files
            text = "".join(traceback.format_exception(error, limit=-12))[-4000:]
        return msgspec.structs.replace(self._outline(error), traceback=steady(text))

    def _outline(self, error: BaseException) -> Failure:
        """An exception without its traceback, which takes long to be written."""
        is_elsewhere = self.lines.of_traceback(error.__traceback__) is None
        handled = error.__context__ if is_elsewhere else None
        return Failure(
            type=type(error).__name__,
            text=text_of(error),
            line=self.lines.of_error(error),
            bases=tuple(base.__name__ for base in type(error).__mro__),
            within=tuple(map(self._outline, _leaves(error)[:MOST_WITHIN])),
            context=type(handled).__name__ if handled is not None else "",
        )


TOLD_ONCE: tuple[IncidentKind, ...] = ("loop-blocked", "not-thread-safe")
"""Incidents of which one line has many in one moment, as by each read of one answer."""


def _is_at_once(same: list[Incident], new: Incident) -> bool:
    return bool(same) and new.seconds == 0 and same[-1].at.tick == new.at.tick


MOST_WITHIN = 5
"""Errors of a group that are reported."""


def _leaves(error: BaseException) -> list[BaseException]:
    """The errors in a group, and in the groups within it; none if it isn't a group."""
    if not isinstance(error, BaseExceptionGroup):
        return []
    return [leaf for inner in error.exceptions for leaf in _leaves(inner) or [inner]]


def steady(text: str) -> str:
    """A text without the addresses of objects, which are others in every run."""
    return _ADDRESS.sub("", sendable(text))


_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def sendable(text: str) -> str:
    """A text that UTF-8 has a form for; a lone surrogate becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def named(error: BaseException) -> str:
    """An exception's class and words, for the detail of an incident."""
    return f"{type(error).__name__}: {text_of(error)}"[:500].removesuffix(": ")


def text_of(value: object) -> str:
    """What an exception, or another object, says of itself."""
    try:
        return steady(str(value)[:2000])
    except Exception:  # a learner's own __str__ may fail
        return ""
