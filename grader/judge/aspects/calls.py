"""Aspects of the calls of collaborators: how many, when, in which order, how they ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from ...model.trace import (
    Ending,
    Exchange,
    Span,
    Trace,
)
from ..differences import as_text
from .answers import done
from .aspect import NO_ANSWER, Aspect, aspect, most_at_once, seconds, since, times


@aspect(
    "calls", say=lambda call: f"{call[0]} from {seconds(call[1])} to {seconds(call[2])}, {call[3]}"
)
def calls(trace: Trace) -> tuple[tuple[str, int, int, Ending], ...]:
    """Each call of a collaborator: when, and how it ended."""
    return tuple(
        sorted(
            (span.name, since(trace, span.start), since(trace, span.end), span.how)
            for span in trace.calls()
        )
    )


@aspect(
    "calls",
    say=lambda counted: f"{counted[0]} called {times(counted[1])}",
    nothing="no call",
    may_be_empty=True,
)
def call_counts(trace: Trace) -> tuple[tuple[str, int], ...]:
    """How often each collaborator was called."""
    return tuple(sorted(Counter(span.name for span in trace.calls()).items()))


def _ending_in_words(ending: tuple[str, Ending, int]) -> str:
    name, how, tick = ending
    return f"{name} {how} at {seconds(tick)}"


@aspect("call-endings", say=_ending_in_words)
def call_endings(trace: Trace) -> tuple[tuple[str, Ending, int], ...]:
    """How each call ended, and when."""
    return tuple(sorted((span.name, span.how, since(trace, span.end)) for span in trace.calls()))


def endings_of(name: str) -> Aspect:
    """How each call of one collaborator ended, and when."""

    @aspect("call-endings", say=_ending_in_words)
    def endings(trace: Trace) -> tuple[tuple[str, Ending, int], ...]:
        return tuple(ending for ending in call_endings(trace) if ending[0] == name)

    return endings


def most_calls(name: str) -> Aspect:
    """How many calls of one collaborator were under way at once, at the most."""

    @aspect("calls", say=lambda count: f"{count} {name} under way at once", nothing=f"no {name}")
    def most(trace: Trace) -> tuple[int, ...]:
        calls = trace.calls(name)
        return (most_at_once(calls),) if calls else ()

    return most


@aspect("lifespan-order", say=lambda call: f"{call[0]} {call[1]}", nothing="no call")
def lifespan_order(trace: Trace) -> tuple[tuple[str, str], ...]:
    """What is opened and closed, and called at the start: when each was, how it ended."""
    begins = trace.opened
    calls = [call for call in trace.calls() if call.end.tick <= begins or _is_of_resource(call)]
    return tuple((call.name, _stage(trace, call, calls)) for call in calls)


def _is_of_resource(call: Span) -> bool:
    return call.resource is not None and ("." not in call.name or call.name.endswith(".close"))


def _stage(trace: Trace, call: Span, calls: list[Span]) -> str:
    """When a call was in the life of its app, what it overlapped, and how it ended."""
    others = (other for other in calls if other is not call)
    beside = any(o.start.tick < call.end.tick and call.start.tick < o.end.tick for o in others)
    return f"{_when(trace, call)}{', beside another call' if beside else ''}, {call.how}"


def _when(trace: Trace, call: Span) -> str:
    if call.exchange is not None:
        return "by a request"
    if trace.outcome.kind == "startup-failed" or call.end.tick <= trace.opened:
        return "before the app takes requests"
    over = [exchange.returned for exchange in trace.exchanges]
    last = max((end.tick for end in over if end is not None), default=trace.opened)
    return "while it takes requests" if call.start.tick < last else "at the end"


def _call_in_words(call: tuple[str, tuple[str, ...]]) -> str:
    name, given = call
    return f"{name}({', '.join(given)})"


@aspect("arguments", say=_call_in_words)
def arguments(trace: Trace) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What the collaborators were given, as JSON."""
    return tuple(sorted((span.name, tuple(map(as_text, span.arguments))) for span in trace.calls()))


def arguments_of(name: str) -> Aspect:
    """What the collaborator called `name` was given."""

    @aspect("arguments", say=_call_in_words)
    def given(trace: Trace) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return tuple(call for call in arguments(trace) if call[0] == name)

    return given


def pauses(name: str) -> Aspect:
    """How long it took from the end of each call of `name` to the next one of its exchange."""

    @aspect("pauses", say=seconds, nothing=f"no second call of {name}")
    def waited(trace: Trace) -> tuple[int, ...]:
        made = [sorted(calls, key=lambda span: span.start) for calls in _tries(trace, name)]
        return tuple(b.start.tick - a.end.tick for calls in made for a, b in pairwise(calls))

    return waited


def _tries(trace: Trace, name: str) -> list[list[Span]]:
    numbers = [exchange.number for exchange in trace.exchanges]
    calls = trace.calls(name)
    return [[span for span in calls if span.exchange == number] for number in numbers]


def in_order(name: str) -> Aspect:
    """What each call of `name` was given, in the order in which the calls ended."""

    @aspect("order", say=_call_in_words)
    def given(trace: Trace) -> tuple[tuple[str, tuple[str, ...]], ...]:
        calls = sorted(trace.calls(name), key=lambda span: span.end)
        return tuple((name, tuple(map(as_text, span.arguments))) for span in calls)

    return given


def at_most_at_once(name: str, limit: int) -> Aspect:
    """Whether no more than `limit` calls of `name` were under way at once."""

    def say(more: int | None) -> str:
        return f"{f'at most {limit}' if more is None else more} calls of {name} at once"

    @aspect("calls", say=say, nothing=f"no call of {name}")
    def most(trace: Trace) -> tuple[int | None, ...]:
        count = most_at_once(trace.calls(name))
        return (None if count <= limit else count,) if count else ()

    return most


@aspect(
    "left-running",
    say=lambda late: f"{late} after the answer",
    nothing="no call of a collaborator",
)
def left_running(trace: Trace) -> tuple[str, ...]:
    """The calls that went on after the answer that they were made for, and for how long."""
    late: dict[int, dict[int, list[str]]] = {}
    for span, ticks in calls_after_answer(trace):
        late.setdefault(span.exchange or 0, {}).setdefault(ticks, []).append(span.name)
    if not late:
        return ("nothing goes on",) if trace.calls() else ()
    return ("; ".join(_late_calls(trace, number, late[number]) for number in sorted(late)),)


def _late_calls(trace: Trace, number: int, late: dict[int, list[str]]) -> str:
    """`#1: fetch_orders, fetch_stats for 2.50 s`; a single request has no number."""
    words = ", ".join(f"{', '.join(names)} for {seconds(ticks)}" for ticks, names in late.items())
    return f"#{number + 1}: {words}" if len(trace.exchanges) > 1 else words


def calls_after_answer(trace: Trace) -> Iterator[tuple[Span, int]]:
    """The calls that ended after their exchange's answer, and by how many ticks."""
    for span in trace.calls():
        if span.exchange is not None:
            answered = trace.exchanges[span.exchange].completed
            if answered is not None and span.end.tick > answered.tick:
                yield span, span.end.tick - answered.tick


@dataclass(frozen=True)
class WorkOrder:
    """A call for one exchange, and the moment of that exchange's complete answer.

    Attributes:
        answered: ticks from the request to the complete answer; None without one.
        begins: `before` or `after` the complete answer; None if it never starts.
        how: how the call ended.
    """

    name: str
    answered: int | None
    begins: Literal["before", "after"] | None = None
    how: Ending = "open"

    def __str__(self) -> str:
        if self.answered is None:
            return NO_ANSWER
        answer = f"the answer is complete at {seconds(self.answered)}, "
        if self.begins is None:
            return f"{answer}{self.name} never starts"
        return f"{answer}{self.name} starts {self.begins} that and {_ENDS[self.how]}"


_ENDS: dict[Ending, str] = {
    "done": "is done",
    "failed": "fails",
    "cancelled": "is cancelled",
    "open": "is cut off",
}


def order_of_work(name: str) -> Aspect:
    """Whether the call of `name` comes before or after the complete answer, and ends."""

    @aspect("work-order")
    def order(trace: Trace) -> tuple[WorkOrder, ...]:
        return tuple(_order_of_work(trace, exchange, name) for exchange in trace.exchanges)

    return order


def _order_of_work(trace: Trace, exchange: Exchange, name: str) -> WorkOrder:
    spans = [span for span in trace.calls(name) if span.exchange == exchange.number]
    if exchange.completed is None or not spans:
        return WorkOrder(name, done(exchange))
    begins: Literal["before", "after"]
    begins = "after" if spans[0].start > exchange.completed else "before"
    return WorkOrder(name, done(exchange), begins, spans[0].how)
