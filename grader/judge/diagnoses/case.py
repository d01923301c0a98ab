"""A failed check, as rules see it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator

import msgspec

from ...model.scenarios import Request, Rows, Scenario
from ...model.trace import Exchange, Incident, IncidentKind, Span, Trace, to_seconds, to_ticks
from ..aspects.answers import done, statuses
from ..aspects.aspect import Aspect, Tag

Replay = Callable[[Scenario], tuple[Trace, Trace]]
"""Plays another scenario: the learner's trace, then the reference's."""

OUTCOME = "outcome"
"""What a check has come to look at if the play did not finish."""

UNHANDLED = 500
"""The status of an error that nothing has caught."""


class Case(msgspec.Struct, frozen=True):
    """Two traces that should have been alike.

    Attributes:
        aspect: what differed; None if the learner's play did not finish.
        replay: to look closer, with a scenario of the rule's own.
        source: of the learner's file.
    """

    got: Trace
    expected: Trace
    scenario: Scenario
    aspect: Aspect | None
    replay: Replay
    source: str = ""

    @property
    def looks_at(self) -> frozenset[str]:
        """What the check looks at and has found different."""
        if self.aspect is None:
            return frozenset({OUTCOME})
        tags = self.aspect.tags
        alike = statuses(self.got) == statuses(self.expected)
        return tags - {"status"} if alike and len(tags) > 1 else tags

    def is_about(self, *tags: Tag) -> bool:
        """Whether the aspect that differs is about one of these."""
        return self.aspect is not None and not self.looks_at.isdisjoint(tags)

    def holds_for(self, got: Trace, expected: Trace) -> bool:
        """Whether the check would hold for two other plays."""
        if got.outcome.kind != "finished":
            return False
        return self.aspect is None or self.aspect(got) == self.aspect(expected)

    def exchanges(self) -> Iterator[tuple[Exchange, Exchange]]:
        """The learner's and the reference's exchanges, in pairs."""
        return zip(self.got.exchanges, self.expected.exchanges, strict=False)

    def incidents(self, kind: IncidentKind) -> tuple[Incident, ...]:
        """What of this kind happened, in the exchanges that differ if it did in any of them."""
        found = [incident for incident in self.got.incidents if incident.kind == kind]
        differing = {ours.number for ours, theirs in self.exchanges() if differ(ours, theirs)}
        here = [incident for incident in found if incident.exchange in differing]
        return tuple(here or found)

    def is_late(self) -> bool:
        """Whether something came later than it should, or never."""
        if self.aspect is None:
            return True
        pairs = [(done(ours), done(theirs)) for ours, theirs in self.exchanges()]
        after = any(a is None or (b is not None and a > b) for a, b in pairs)
        return after or not self.expects_time()

    def expects_time(self) -> bool:
        """Whether the learner's answers came at other moments than the reference's."""
        return any(done(ours) != done(theirs) for ours, theirs in self.exchanges())

    def depends_on_time(self) -> bool:
        """Whether answers depend on when one asks: on tasks of the app, or on kept results."""
        if any(call.exchange is None and call.resource is None for call in self.expected.calls()):
            return True
        asking = {call.exchange for call in self.expected.calls()}
        paths: dict[tuple[str, str], set[bool]] = {}
        for exchange in self.expected.exchanges:
            if not 400 <= (exchange.status or 200) < 500:
                asks = paths.setdefault((exchange.method, exchange.path), set())
                asks.add(exchange.number in asking)
        return any(len(asks) > 1 for asks in paths.values())

    def sent(self, exchange: Exchange) -> bytes:
        """The body of a request; a WebSocket has none."""
        request = self.scenario.requests[exchange.number]
        return request.body or b"".join(request.pieces) if isinstance(request, Request) else b""

    def status_wanted(self, exchange: Exchange) -> int | None:
        """The status that the reference answers the same request with."""
        return self.expected.exchanges[exchange.number].status

    def is_cancelled(self, exchange: Exchange) -> bool:
        """Whether the server cancels the call."""
        return self.scenario.requests[exchange.number].cancelled_at is not None

    def call_line(self, span: Span) -> int | None:
        """The learner's line that made a call, or else that waited for it."""
        return span.line if span.line is not None else self.wait_line(span)

    def wait_line(self, span: Span) -> int | None:
        """The learner's line that waited while `span` went on, or else that made the call."""
        waits = [
            wait
            for wait in self.waits(span.exchange)
            if wait.start.tick <= span.start.tick and wait.end.tick >= span.end.tick
        ]
        return min(waits, key=lambda w: w.seconds).line if waits else span.line

    def start_line(self, span: Span) -> int | None:
        """The learner's line that set off the task a call runs in, or else made the call."""
        for task in self.got.spans:
            if task.kind == "task" and task.task == span.task and task.line is not None:
                return task.line
        return self.call_line(span)

    def waits(self, exchange: int | None) -> list[Span]:
        """The learner's own waits in one exchange, in order."""
        return [span for span in spans_for(self.got, exchange) if span.kind == "wait"]

    def longest_wait(self, exchange: int) -> Span | None:
        return max(self.waits(exchange), key=lambda wait: wait.seconds, default=None)

    def longest_wait_line(self, exchange: Exchange) -> int | None:
        """The line of an exchange's longest wait, or else of its endpoint."""
        wait = self.longest_wait(exchange.number)
        return wait.line if wait else exchange.line


def differ(ours: Exchange, theirs: Exchange) -> bool:
    """Whether anything of two answers that a client can see is different."""
    return (ours.status, ours.body, done(ours)) != (theirs.status, theirs.body, done(theirs))


def spans_for(trace: Trace, exchange: int | None) -> list[Span]:
    """The spans of one exchange, or of none, in order of starting."""
    known = next((index for one, index in _indexes if one is trace), None)
    if known is None:
        known = defaultdict(list)
        for span in trace.spans:
            known[span.exchange].append(span)
        _indexes.append((trace, known))
    return known.get(exchange, [])


_indexes: deque[tuple[Trace, dict[int | None, list[Span]]]] = deque(maxlen=4)
"""The spans of the traces that were looked at last, by exchange: rules ask for each of many."""


def calls_of(trace: Trace, exchange: int, name: str | None = None) -> list[Span]:
    """The collaborators' calls for one exchange, in order of starting.

    A request to an upstream is one of them, by its method and path.
    """
    own = map(_as_call, spans_for(trace, exchange))
    return [span for span in own if span.kind == "call" and name in (None, span.name)]


def _as_call(span: Span) -> Span:
    if span.kind != "request":
        return span
    return msgspec.structs.replace(span, kind="call", name=str(span.arguments[0]), resource=None)


GATES = frozenset({"Lock", "Semaphore", "BoundedSemaphore", "Condition", "CapacityLimiter"})
"""Classes of what not everyone can have at once, of asyncio and anyio."""


def class_waited_for(wait: Span) -> str:
    """The class whose method is waited for, if it is one: `Semaphore` of `Semaphore.acquire`."""
    return wait.name.partition(".")[0].removesuffix("Adapter") if "." in wait.name else ""


def error_line(exchange: Exchange) -> int | None:
    """The line of the error that an answer comes of, or else of the endpoint."""
    errors = (exchange.raised, exchange.handled)
    return next((error.line for error in errors if error and error.line), exchange.line)


def ends_with_a_row(case: Case, call: Span) -> bool:
    """Whether a generator ends in the moment in which it has given a row."""
    given = case.scenario.collaborators.get(call.name)
    if not isinstance(given, Rows) or not call.count:
        return False
    return call.end.tick == call.start.tick + to_ticks(given.every) * call.count


def overlap(one: Span, other: Span) -> bool:
    """Whether two spans were under way at the same time."""
    return one.start.tick < other.end.tick and other.start.tick < one.end.tick


def parts_of(described: object) -> Iterator[object]:
    """A description and all that is in it, however deep: steps, cases, members and methods."""
    yield described
    inside: Iterable[object] = ()
    if isinstance(described, msgspec.Struct):
        inside = [getattr(described, field) for field in described.__struct_fields__]
    elif isinstance(described, dict):
        inside = list(described.values())
    elif isinstance(described, list | tuple):
        inside = described
    for part in inside:
        yield from parts_of(part)


# Words


def in_seconds(ticks: int) -> str:
    """Ticks in words for a sentence: `2 s`, `0.25 s`."""
    return f"{to_seconds(ticks):.6f}".rstrip("0").rstrip(".") + " s"


def at_line(line: int | None) -> str:
    """The beginning of a sentence about a line, or about no line that is known."""
    return f"Line {line}" if line is not None else "Your code"


def of_line(line: int | None) -> str:
    """A line within a sentence, in brackets; nothing if it is not known."""
    return f" (line {line})" if line is not None else ""


def at_lines(lines: Iterable[int | None], verb: str) -> str:
    """The beginning of a sentence about several lines: `Lines 4, 7 and 9 wait`."""
    known = sorted({line for line in lines if line is not None})
    if len(known) < 2:
        return f"{at_line(known[0] if known else None)} {verb}s"
    return f"Lines {in_words(map(str, known))} {verb}"


def in_words(names: Iterable[str]) -> str:
    """`one, another and a third`."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def with_article(name: str) -> str:
    """`a ValueError`, `an OSError`, `an HTTPException`: as it is spoken."""
    vowel = name.startswith(("A", "E", "I", "O", "Un", "HTTP"))
    return f"{'an' if vowel else 'a'} {name}"
