"""Aspects: what of a trace a check looks at.

An aspect computes *facts* from a trace, one for each exchange, call or connection. A check
holds when the learner's facts are the reference's. Facts are plain values; the aspect has
the words for them, and tags that say what it is about. Rules ask for the tags.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from typing import Any, Literal

from ..model.trace import (
    NEVER,
    Ending,
    Exchange,
    LogRecord,
    Moment,
    Span,
    Trace,
    json_in,
    to_seconds,
)
from .differences import as_text, shortened

Tag = Literal[
    "status",
    "body",
    "media-type",
    "headers",
    "header-presence",
    "text",
    "elapsed",
    "lines",
    "events",
    "silence",
    "messages",
    "closes",
    "calls",
    "call-endings",
    "pauses",
    "arguments",
    "order",
    "left-running",
    "work-order",
    "secret",
    "log",
    "cancellation",
    "resources",
    "lifespan",
    "startup",
    "shutdown",
    "lifespan-order",
    "connections",
    "left-open",
    "requests",
    "readings",
    "dependencies",
    "cleanups",
    "handlers",
    "validation",
    "custom",
]
"""What an aspect can be about."""

LONGEST = 200
"""Characters of a fact that are shown."""

NO_ANSWER = "no answer"


@dataclass(frozen=True)
class Aspect:
    """What of a trace a check looks at.

    Attributes:
        tags: what it is about.
        compute: from a trace to its facts.
        say: a fact in words.
        nothing: the words for no facts at all.
        may_be_empty: whether that can be what is right. Where it can't, a reference without
            facts leaves the check nothing to look at.
    """

    tags: frozenset[Tag]
    compute: Callable[[Trace], tuple[Any, ...]]
    say: Callable[[Any], str] = str
    nothing: str = "nothing"
    may_be_empty: bool = False

    @property
    def name(self) -> str:
        """What a check calls it by: the function that it was made of, or that made it."""
        return self.compute.__qualname__.partition(".<locals>")[0]

    def __call__(self, trace: Trace) -> tuple[Any, ...]:
        """The facts of a trace."""
        return self.compute(trace)

    def words(self, facts: tuple[Any, ...]) -> tuple[str, ...]:
        """Facts in words."""
        return tuple(map(self.say, facts)) or (self.nothing,)


def aspect(
    *tags: Tag,
    say: Callable[[Any], str] = str,
    nothing: str = "nothing",
    may_be_empty: bool = False,
) -> Callable[[Callable[[Trace], tuple[Any, ...]]], Aspect]:
    """Make an aspect of a function from a trace to a tuple of facts.

    Args:
        tags: what it is about; none is `custom`. The others are as in `Aspect`.
    """

    def made(compute: Callable[[Trace], tuple[Any, ...]]) -> Aspect:
        return Aspect(frozenset(tags or ("custom",)), compute, say, nothing, may_be_empty)

    return made


def seconds(ticks: int) -> str:
    """Ticks in words: two decimals, more only where there are more."""
    text = f"{to_seconds(ticks):.6f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2} s"


def _seconds_or_none(ticks: int | None) -> str:
    return NO_ANSWER if ticks is None else seconds(ticks)


# Answers


@aspect("elapsed", say=_seconds_or_none)
def elapsed(trace: Trace) -> tuple[int | None, ...]:
    """How long each answer took, in ticks."""
    return tuple(done(exchange) for exchange in trace.exchanges)


def done(exchange: Exchange) -> int | None:
    """Ticks from request to complete answer."""
    if exchange.completed is None:
        return None
    return exchange.completed.tick - exchange.started.tick


@aspect("elapsed", say=_seconds_or_none)
def sorted_elapsed(trace: Trace) -> tuple[int | None, ...]:
    """How long the answers took, the quickest first: who comes first is open."""
    return tuple(sorted(elapsed(trace), key=lambda ticks: (ticks is None, ticks or 0)))


def answered_within(limit: float) -> Aspect:
    """Whether each answer is complete within so many seconds, whenever that is."""

    def say(late: int | None) -> str:
        if late is None:
            return f"within {limit:g} s"
        return NO_ANSWER if late == NEVER else f"after {seconds(late)}"

    @aspect("elapsed", say=say)
    def within(trace: Trace) -> tuple[int | None, ...]:
        ticks = (NEVER if tick is None else tick for tick in elapsed(trace))
        return tuple(tick if to_seconds(tick) > limit else None for tick in ticks)

    return within


@aspect("elapsed", say=lambda free: f"the loop is {'free' if free else 'blocked'} while it waits")
def loop_is_free(trace: Trace) -> tuple[bool, ...]:
    """Whether nothing blocks the loop while requests are served."""
    blocked = (i for i in trace.incidents if i.kind == "loop-blocked")
    return (not any(incident.at.tick >= trace.opened for incident in blocked),)


def _status(status: int | None) -> str:
    return NO_ANSWER if status is None else str(status)


@aspect("status", say=_status)
def statuses(trace: Trace) -> tuple[int | None, ...]:
    """The status of each answer."""
    return tuple(exchange.status for exchange in trace.exchanges)


@aspect("status")
def sorted_statuses(trace: Trace) -> tuple[str, ...]:
    """The statuses, sorted: who comes first is open."""
    return tuple(sorted(str(exchange.status) for exchange in trace.exchanges))


def _answer_in_words(answer: tuple[int | None, str]) -> str:
    status, body = answer
    return f"{_status(status)} {body}".strip()


@aspect("status", "body", say=_answer_in_words)
def answers(trace: Trace) -> tuple[tuple[int | None, str], ...]:
    """Status and body of each answer."""
    return tuple((exchange.status, _body(exchange)) for exchange in trace.exchanges)


@aspect("status", "body", say=_answer_in_words)
def good_answers(trace: Trace) -> tuple[tuple[int | None, str], ...]:
    """The status of each answer, and the body of those below 400: how errors are worded is open."""
    return tuple(
        (exchange.status, _body(exchange) if (exchange.status or 500) < 400 else "")
        for exchange in trace.exchanges
    )


def answer_of(number: int) -> Aspect:
    """Status and body of one answer; what became of the others does not matter."""

    @aspect("status", "body", say=_answer_in_words, nothing=NO_ANSWER)
    def answer(trace: Trace) -> tuple[tuple[int | None, str], ...]:
        return answers(trace)[number:][:1]

    return answer


def _body(exchange: Exchange) -> str:
    body = exchange.json()
    return exchange.text if body is None else as_text(body)


def body_holds(what: str, accept: Callable[[Any], bool]) -> Aspect:
    """Whether each answer's JSON is acceptable; `what` names it in words."""

    @aspect("status", "body", say=_answer_in_words)
    def holds(trace: Trace) -> tuple[tuple[int | None, str], ...]:
        return tuple(
            (e.status, f"with {what}" if e.status and accept(e.json()) else _body(e))
            for e in trace.exchanges
        )

    return holds


def says(what: str, told: Callable[[str], bool]) -> Aspect:
    """The status of each answer, and whether its text says something; `what` names it in words."""

    def say(fact: tuple[int | None, bool]) -> str:
        return f"{_status(fact[0])} {'with' if fact[1] else 'without'} {what}"

    @aspect("status", "text", say=say)
    def said(trace: Trace) -> tuple[tuple[int | None, bool], ...]:
        return tuple((exchange.status, told(exchange.text)) for exchange in trace.exchanges)

    return said


@aspect("media-type")
def media_types(trace: Trace) -> tuple[str, ...]:
    """The media type of each answer."""
    return tuple(media_type(exchange) or "no media type" for exchange in trace.exchanges)


def media_type(exchange: Exchange) -> str:
    """The media type of an answer, without its parameters."""
    return exchange.header("content-type").partition(";")[0]


def header(name: str) -> Aspect:
    """What a header of each answer says."""

    @aspect("headers", say=lambda value: f"{name}: {value}" if value else f"no {name}")
    def values(trace: Trace) -> tuple[str, ...]:
        return tuple(exchange.header(name) for exchange in trace.exchanges)

    return values


def has_header(name: str, status: int | None = None) -> Aspect:
    """Whether each answer has a header, whatever is in it; only those with `status`, if given."""

    def say(answer: tuple[int | None, bool]) -> str:
        given, there = answer
        return f"{_status(given)} with{'' if there else 'out'} {name}"

    @aspect("status", "header-presence", say=say)
    def headers(trace: Trace) -> tuple[tuple[int | None, bool], ...]:
        return tuple(
            (e.status, bool(e.header(name).strip()))
            for e in trace.exchanges
            if status in (None, e.status)
        )

    return headers


@aspect("lines", say=lambda line: f"{line[0][:60]} at {seconds(line[1])}")
def timed_lines(trace: Trace) -> tuple[tuple[str, int], ...]:
    """Each line of the streamed bodies, with the moment it was there."""
    return tuple(
        (chunk.body.decode("utf-8", "replace"), chunk.at.tick - exchange.started.tick)
        for exchange in trace.exchanges
        for chunk in exchange.lines()
    )


@aspect("lines", say=seconds)
def line_moments(trace: Trace) -> tuple[int, ...]:
    """When each line of the streamed bodies was there."""
    return tuple(tick for _, tick in timed_lines(trace))


@aspect("lines", "body", nothing="no line")
def lines_as_json(trace: Trace) -> tuple[str, ...]:
    """Each line of the bodies, read as JSON: how it is spaced does not matter."""
    return tuple(
        line[:60] if (row := json_in(line)) is None else as_text(row)
        for line, _ in timed_lines(trace)
    )


def mentions(secret: str, what: str = "the error's text") -> Aspect:
    """Whether the answers give away `secret`; `what` names it in words."""

    def say(given_away: bool) -> str:
        return f"an answer with {what}" if given_away else f"no trace of {what}"

    @aspect("secret", say=say)
    def mentioned(trace: Trace) -> tuple[bool, ...]:
        return tuple(gives_away(exchange, secret) for exchange in trace.exchanges)

    return mentioned


def gives_away(exchange: Exchange, secret: str) -> bool:
    """Whether the body or a header holds a secret, or a part of it that says as much."""
    said = "\n".join([exchange.text, *(value for _, value in exchange.headers)]).lower()
    return any(part in said for part in (secret.lower(), *_TELLING.findall(secret.lower())))


_TELLING = re.compile(r"(?=[\w-]*\d)[\w-]{6,}")
"""Names and numbers in which there are digits: no answer has them by chance."""


@aspect("cancellation")
def cancellations(trace: Trace) -> tuple[str, ...]:
    """Whether each call that the server cancels ends as cancelled, instead of looking complete."""
    return tuple(map(_end_of_cancelled, trace.exchanges))


def _end_of_cancelled(exchange: Exchange) -> str:
    if not ends_cancelled(exchange):
        is_broken_off = exchange.raised is not None and exchange.completed is None
        how = exchange.raised.type if is_broken_off and exchange.raised else exchange.status
        return f"ends with {how or NO_ANSWER}"
    whole = exchange.completed is not None
    return f"ends cancelled{', with an answer that looks complete' if whole else ''}"


def ends_cancelled(exchange: Exchange) -> bool:
    """Whether the app let a cancellation through."""
    return exchange.raised is not None and exchange.raised.type == "CancelledError"


# Calls of collaborators


@aspect(
    "calls", say=lambda call: f"{call[0]} from {seconds(call[1])} to {seconds(call[2])}, {call[3]}"
)
def calls(trace: Trace) -> tuple[tuple[str, int, int, Ending], ...]:
    """Each call of a collaborator: when, and how it ended."""
    return tuple(
        sorted(
            (span.name, _since(trace, span.start), _since(trace, span.end), span.how)
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
    return tuple(sorted((span.name, span.how, _since(trace, span.end)) for span in trace.calls()))


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


# What was logged


def logged(logger: str, after: str) -> Aspect:
    """What was logged for each exchange when its call of `after` was over: with a traceback?"""

    def say(fact: Literal["traceback", "record"] | None) -> str:
        return f"{_LOGGED[fact]} on {logger!r}"

    @aspect("log", say=say)
    def records(trace: Trace) -> tuple[Literal["traceback", "record"] | None, ...]:
        return tuple(
            _logged_as(records_about(trace, exchange, logger, after))
            for exchange in trace.exchanges
        )

    return records


_LOGGED = {"traceback": "a record with a traceback", "record": "a record", None: "no record"}


def logged_as_done(logger: str, after: str) -> Aspect:
    """Whether what is logged of each call of `after` that fails says that it is done.

    What says so is whatever is logged of those that succeed, so let both be given the same.
    """

    def say(is_done: bool) -> str:
        return f"a {after} that fails is {'' if is_done else 'not '}logged as done"

    @aspect("log", say=say, nothing=f"no failing {after}")
    def said_done(trace: Trace) -> tuple[bool, ...]:
        good, bad = (_messages(trace, logger, after, how) for how in ("done", "failed"))
        return tuple(any(0 < len(each & these) == len(each) for each in good) for these in bad)

    return said_done


def _messages(trace: Trace, logger: str, after: str, how: str) -> list[set[str]]:
    """The messages about each exchange whose call of `after` ended in this way."""
    endings = {span.exchange: span.how for span in trace.calls(after)}
    return [
        {record.message for record in records_about(trace, exchange, logger, after)}
        for exchange in trace.exchanges
        if endings.get(exchange.number) == how
    ]


def records_about(
    trace: Trace, exchange: Exchange, logger: str, after: str
) -> tuple[LogRecord, ...]:
    """The records on `logger`, or one below it, since the call of `after` was over."""
    ends = [span.end for span in trace.calls(after) if span.exchange == exchange.number]
    return tuple(
        log
        for log in trace.logs
        if _is_on(logger, log)
        and log.exchange in (exchange.number, None)
        and (not ends or log.at > max(ends))
    )


def _is_on(logger: str, log: LogRecord) -> bool:
    """Whether a record was logged on a logger, or on one below it."""
    return f"{log.logger}.".startswith(f"{logger}.")


def has_traceback(records: tuple[LogRecord, ...]) -> bool:
    """Whether one of them has the traceback of an error, of its own or in its text."""
    return any(record.error or _TRACEBACK in record.message for record in records)


_TRACEBACK = "Traceback (most recent call last)"


def _logged_as(records: tuple[LogRecord, ...]) -> Literal["traceback", "record"] | None:
    if has_traceback(records):
        return "traceback"
    return "record" if records else None


def failures_logged(logger: str, of: str) -> Aspect:
    """Whether each failing call of `of` is logged when it fails.

    What is also logged when a call succeeds says nothing of a failure.
    """

    def say(told: bool) -> str:
        return f"a failing {of} is {'' if told else 'not '}logged on {logger!r}"

    @aspect("log", say=say, nothing=f"no failing {of}")
    def told(trace: Trace) -> tuple[bool, ...]:
        calls = trace.calls(of)
        usual = {
            text for call in calls if call.how == "done" for text in _said(trace, logger, call)
        }
        return tuple(
            bool(_said(trace, logger, call) - usual) for call in calls if call.how == "failed"
        )

    return told


def _said(trace: Trace, logger: str, call: Span) -> set[str]:
    """What is logged on `logger`, or one below it, in the moment in which a call ends."""
    return {
        log.message
        for log in trace.logs
        if _is_on(logger, log) and log.at.tick == call.end.tick and log.at > call.end
    }


# Connections and services


@aspect("resources", nothing="no connection opened")
def closings(trace: Trace) -> tuple[str, ...]:
    """How often each connection that was opened was closed; when does not matter."""
    return tuple(_closed(len(closings_of(trace, span))) for span in openings(trace))


def _closed(count: int) -> str:
    return f"closed {times(count)}" if count else "never closed"


def closed_before(name: str) -> Aspect:
    """Whether the connections of each exchange are closed before its call of `name` begins."""

    @aspect("resources", nothing=f"no call of {name}")
    def closed(trace: Trace) -> tuple[str, ...]:
        return tuple(
            f"{'open' if held_during(trace, call) else 'closed'} when {name} begins"
            for call in trace.calls(name)
        )

    return closed


def held_during(trace: Trace, call: Span) -> Span | None:
    """The opening of a connection of the same exchange that is not closed when a call begins."""
    for opening in openings(trace):
        if opening.exchange == call.exchange and opening.start < call.start:
            ends = [closing.end for closing in closings_of(trace, opening)]
            if not ends or ends[0] > call.start:
                return opening
    return None


@aspect(
    "resources",
    say=lambda count: f"{count or 'no'} connection{'s' * (count != 1)} left open",
    nothing="no connection opened",
)
def left_unclosed(trace: Trace) -> tuple[int, ...]:
    """How many of the connections that were opened were never closed."""
    opened = openings(trace)
    return (sum(not closings_of(trace, span) for span in opened),) if opened else ()


@aspect("resources", nothing="no connection opened")
def resources(trace: Trace) -> tuple[str, ...]:
    """Of every connection that was opened: how often it was closed, and when."""
    return tuple(sorted(_life_of(trace, span) for span in openings(trace)))


def openings(trace: Trace) -> list[Span]:
    """The calls that opened a resource."""
    return [
        span
        for span in trace.calls()
        if span.resource is not None and "." not in span.name and span.how == "done"
    ]


def calls_on(trace: Trace, opening: Span) -> list[Span]:
    """The calls on what this one has opened, closings among them."""
    return [s for s in trace.calls() if s.resource == opening.resource and s is not opening]


def closings_of(trace: Trace, opening: Span) -> list[Span]:
    """The calls that close what this one has opened."""
    return [
        span for span in trace.calls(f"{opening.name}.close") if span.resource == opening.resource
    ]


def _life_of(trace: Trace, opening: Span) -> str:
    closings = closings_of(trace, opening)
    if not closings:
        return "opened and never closed"
    when = seconds(closings[0].start.tick - opening.start.tick)
    if opening.exchange is not None:
        over = trace.exchanges[opening.exchange].returned
        if over is not None and closings[0].end > over:
            return "closed when the request was over"
    return f"closed {times(len(closings))}, {when} after it was asked for"


@aspect("lifespan", say=lambda ok: f"the app {'starts and stops' if ok else _LIFESPAN_FAILS}")
def lifespan(trace: Trace) -> tuple[bool, ...]:
    """Whether the app has started and stopped without an error."""
    return (not any(incident.kind == "lifespan-failed" for incident in trace.incidents),)


_LIFESPAN_FAILS = "fails when it starts or stops"


@aspect("lifespan", say=lambda starts: f"the app {'starts' if starts else 'does not start'}")
def startup(trace: Trace) -> tuple[bool, ...]:
    """Whether the app has started."""
    return (trace.outcome.kind != "startup-failed",)


@aspect("startup", say=lambda ticks: f"the app takes requests after {seconds(ticks)}")
def startup_time(trace: Trace) -> tuple[int, ...]:
    """How long the app took to start, in ticks."""
    return (trace.opened,)


STOPS_SOON = 2_000_000
"""Ticks in which an app is down that has nothing to do any more."""


@aspect(
    "shutdown",
    say=lambda soon: f"the app is down {'when' if soon else 'long after'} its work is done",
    nothing="no call",
)
def stops_when_done(trace: Trace) -> tuple[bool, ...]:
    """Whether the app is down when the last call is over, or soon after."""
    ends = [call.end.tick for call in trace.calls()]
    return (trace.ended - max(ends) <= STOPS_SOON,) if ends else ()


def at_most_open(limit: int) -> Aspect:
    """Whether connections to a database were opened as a pool of `limit` opens them."""

    def say(more: int | None) -> str:
        return f"{f'at most {limit}' if more is None else more} connections opened"

    @aspect("connections", say=say, nothing="no connection opened")
    def opened(trace: Trace) -> tuple[int | None, ...]:
        count = len(_connections(trace))
        return (None if count <= limit else count,) if count else ()

    return opened


@aspect(
    "left-open",
    say=lambda count: f"{count or 'no'} connection{'s' * (count != 1)} left open at shutdown",
    nothing="no connection was opened",
)
def left_open(trace: Trace) -> tuple[int, ...]:
    """How many connections were still open when the app was down; no fact if none was opened."""
    connections = _connections(trace)
    return (sum(span.how == "open" for span in connections),) if connections else ()


_OPENS_POOL = (
    "Pool._async__init__",
    "Pool.__aenter__",
    "AsyncConnectionPool.__aenter__",
    "AsyncConnectionPool.open",
    "AsyncConnectionPool.wait",
)
"""What is waited for while asyncpg, or psycopg, opens a pool."""


def pool_openings(trace: Trace) -> list[Span]:
    """The waits of requests for a pool that is being opened."""
    waits = (span for span in trace.spans if span.kind == "wait" and span.exchange is not None)
    return [wait for wait in waits if wait.name in _OPENS_POOL]


@aspect("connections", say=lambda is_so: f"{'a' if is_so else 'no'} request opens the pool")
def pool_opened_by_request(trace: Trace) -> tuple[bool, ...]:
    """Whether a request opens a pool, as far as that can be seen: it waits for it."""
    return (bool(pool_openings(trace)),)


_KEPT = ("no connections", "one connection", "several connections")


@aspect(
    "connections",
    say=lambda count: f"{_KEPT[count]} kept open between requests",
)
def kept_open(trace: Trace) -> tuple[int, ...]:
    """How many connections were open already when the last request came; two are several.

    An app with a pool keeps them. Let several requests come at once, and the last one alone.
    """
    last = max(exchange.started.tick for exchange in trace.exchanges)
    kept = [
        span
        for span in _connections(trace)
        if span.start.tick < last and (span.how == "open" or span.end.tick > last)
    ]
    return (min(len(kept), 2),)


def _connections(trace: Trace) -> list[Span]:
    return [span for span in trace.spans if span.kind == "connection"]


def statements_of(trace: Trace, exchange: Exchange) -> list[Span]:
    """The statements of an exchange, to whichever database, in order of starting."""
    spans = (span for span in trace.spans if span.kind == "statement")
    return sorted((s for s in spans if s.exchange == exchange.number), key=lambda s: s.start)


def at_most_statements(limit: int) -> Aspect:
    """Whether each answer takes no more than `limit` statements, all executions counted."""

    def say(more: int | None) -> str:
        return f"{f'at most {limit}' if more is None else more} statements for an answer"

    @aspect("calls", say=say)
    def most(trace: Trace) -> tuple[int | None, ...]:
        counts = (
            sum(span.times for span in statements_of(trace, exchange))
            for exchange in trace.exchanges
        )
        return tuple(None if count <= limit else count for count in counts)

    return most


@aspect("status", "connections", nothing="no request was granted")
def committed_first(trace: Trace) -> tuple[str, ...]:
    """Whether what each good answer tells was committed before it was sent."""
    return tuple(
        "answered when it was committed"
        if not still_at_work(trace, exchange)
        else "answered before it was committed"
        for exchange in trace.exchanges
        if exchange.status is not None and exchange.status < 300
    )


def still_at_work(trace: Trace, exchange: Exchange) -> list[Span]:
    """What an exchange has its databases do that isn't over when its answer begins."""
    return [
        span
        for span in trace.spans
        if span.kind in ("statement", "transaction")
        and span.exchange in (exchange.number, None)
        and exchange.started <= span.start
        and (exchange.returned is None or span.start <= exchange.returned)
        and (exchange.responded is None or span.end > exchange.responded)
    ]


@aspect("connections")
def over_with_answer(trace: Trace) -> tuple[str, ...]:
    """Whether all that belongs to a request is over when its answer is complete."""
    return tuple(map(_what_goes_on, trace.exchanges))


def _what_goes_on(exchange: Exchange) -> str:
    if exchange.completed is None or exchange.returned is None:
        return NO_ANSWER
    late = ticks_after_answer(exchange)
    return f"goes on for {seconds(late)} after the answer" if late else "over with the answer"


def ticks_after_answer(exchange: Exchange) -> int:
    """Ticks from the complete answer to the end of the call."""
    if exchange.completed is None or exchange.returned is None:
        return 0
    return exchange.returned.tick - exchange.completed.tick


@aspect("requests", nothing="no request made", may_be_empty=True)
def requests_made(trace: Trace) -> tuple[str, ...]:
    """The requests that were sent to upstreams, in whatever order."""
    return tuple(sorted(str(span.arguments[0]) for span in _requests(trace)))


@aspect("requests", say=lambda count: f"{count} request{'s' * (count != 1)} in flight at once")
def most_in_flight(trace: Trace) -> tuple[int, ...]:
    """How many requests to upstreams were under way at once, at the most."""
    return (most_at_once(_requests(trace)),)


@aspect(
    "connections",
    say=lambda to: f"{to[1]} connection{'s' * (to[1] != 1)} opened to {to[0]}",
    nothing="no connection opened",
    may_be_empty=True,
)
def connections_opened(trace: Trace) -> tuple[tuple[str, int], ...]:
    """How many connections were opened to each upstream; refused ones were not."""
    names = {span.name for span in _requests(trace)}
    opened = Counter(
        span.name
        for span in _connections(trace)
        if span.name in names and span.resource is not None
    )
    return tuple(sorted(opened.items()))


def _requests(trace: Trace) -> list[Span]:
    return [span for span in trace.spans if span.kind == "request"]


def most_at_once(spans: Sequence[Span]) -> int:
    """How many of these were under way at once, at the most."""
    changes = sorted([(s.start, 1) for s in spans] + [(s.end, -1) for s in spans])
    return max(accumulate(change for _, change in changes), default=0)


@aspect("readings", say=lambda reading: f"{reading[0]} gives {reading[1]}")
def readings(trace: Trace) -> tuple[tuple[str, str], ...]:
    """What the grader has read over a connection of its own, when the app was down."""
    return tuple((query, as_text(rows)) for query, rows in sorted(trace.readings.items()))


def together(*aspects: Aspect) -> Aspect:
    """Several aspects as one, which is about all that they are about."""
    tags = frozenset[Tag]().union(*(part.tags for part in aspects))

    empty = all(part.may_be_empty for part in aspects)

    @aspect(*tags, say=lambda fact: fact[0].say(fact[1]), may_be_empty=empty)
    def united(trace: Trace) -> tuple[tuple[Aspect, Any], ...]:
        return tuple((part, fact) for part in aspects for fact in part(trace))

    return united


def summary(words: tuple[str, ...]) -> str:
    """Facts in words, as one sentence: equal neighbours are counted."""
    groups = [(fact, len(list(same))) for fact, same in groupby(words)]
    parts = [
        f"{f'{count} × ' if count > 1 else ''}{shortened(fact, LONGEST)}" for fact, count in groups
    ]
    return ", ".join(parts[:4]) + (f", and {len(parts) - 4} more" if len(parts) > 4 else "")


def _since(trace: Trace, moment: Moment) -> int:
    return moment.tick - trace.opened


def times(count: int) -> str:
    """`once`, `twice`, `3 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
