"""Server-sent events: how they are written, which of them come, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ...model.event_stream import ServerEvent
from ...model.scenarios import Rows
from ...model.trace import Exchange, Span, json_in
from ..aspects.calls import arguments
from ..aspects.messages import data_of, longest_silence, real_events
from ..differences import shortened
from .case import Case, at_line, calls_of, ends_with_a_row, in_seconds, of_line
from .registry import Finding, rule

LONGEST = 60
"""Characters of an event that are shown."""

EventPair = tuple[Exchange, ServerEvent, ServerEvent]


@rule("event-framing", "events")
def event_framing(case: Case) -> Finding | None:
    """What is sent isn't an event, because `data:` or the blank line is missing.

    An event is a line that begins with `data:`, and a blank line after it. A client that finds
    neither waits for ever, and says nothing: `onmessage` isn't called.

    Instead: send `f"data: {text}\\n\\n"`. Or let FastAPI do it, with an endpoint that yields and
    `response_class=EventSourceResponse`.
    """
    for ours, theirs in case.exchanges():
        sent = next((line for line in ours.text.splitlines() if line.strip()), "")
        if not sent or [*ours.events()] or not [*theirs.events()]:
            continue
        what = f"{ours.method} {ours.path}{of_line(ours.line)} sends {shortened(sent, LONGEST)!r}"
        if sent.startswith(("data:", "id:", "event:")):
            why = "and no blank line after it. A client takes an event when the blank line comes."
        else:
            why = "which isn't an event: in an event stream, what comes begins with `data:`."
        return Finding(ours.line, f"{what}, {why}")
    return None


@rule("event-not-json", "events")
def event_not_json(case: Case) -> Finding | None:
    """The data of an event isn't JSON.

    `str(...)` and f-strings write values as Python does: with single quotes, `None`, `True`. No
    client can read that. And data that has several lines needs `data:` before each of them.

    Instead: `json.dumps(...)`, without `indent`.
    """
    for ours, mine, its in _pairs(case):
        if _is_json(mine.data) or not _is_json(its.data) or _comes(ours, its):
            continue
        shown = shortened(mine.data, LONGEST)
        if mine.data.strip() in ("{", "["):
            why = "The JSON goes on in further lines, and each of them needs a `data:` of its own."
        else:
            why = f"As JSON it is {shortened(data_of(its), LONGEST)}."
        return Finding(
            ours.line,
            f"{ours.method} {ours.path}{of_line(ours.line)} sends the data {shown!r}, which isn't "
            f"JSON. {why}",
        )
    return None


@rule("encoded-twice", "events")
def event_encoded_twice(case: Case) -> Finding | None:
    """Finds it in the data of an event."""
    for ours, mine, its in _pairs(case):
        inner = mine.json()
        if isinstance(inner, str) and mine.data != its.data and _same_json(inner, its.data):
            return Finding(
                ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)} sends "
                f"{shortened(mine.data, LONGEST)} as data: JSON with JSON in it. It is encoded "
                "twice, by you and by the response. Which of the two should do it?",
            )
    return None


def _pairs(case: Case) -> Iterator[EventPair]:
    """The events of both sides in order, as far as both have some."""
    for ours, theirs in case.exchanges():
        for mine, its in zip(real_events(ours), real_events(theirs), strict=False):
            yield ours, mine, its


def _comes(exchange: Exchange, event: ServerEvent) -> bool:
    """Whether an event with this data is sent, perhaps after others."""
    return data_of(event) in map(data_of, real_events(exchange))


def _is_json(text: str) -> bool:
    return json_in(text) is not None or text.strip() == "null"


def _same_json(one: str, other: str) -> bool:
    return _is_json(one) and json_in(one) == json_in(other)


@rule("event-without-id", "events")
def event_without_id(case: Case) -> Finding | None:
    """An event has no `id:`, or the wrong one.

    A browser that loses the connection comes back with the last `id:` that it has seen. Without
    ids it can't say where it was, and gets everything again, or misses what came meanwhile.

    Instead: `ServerSentEvent(id=str(number), ...)`, or a line `id: 7` in the event.
    """
    for ours, mine, its in _pairs(case):
        if its.id and mine.id != its.id and data_of(mine) == data_of(its):
            has = f"the id {mine.id}" if mine.id else "no id"
            return Finding(
                ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)} sends "
                f"{shortened(data_of(mine), LONGEST)} with {has}, and it should be {its.id}. What "
                "does a browser say when it comes back?",
            )
        if its.id and not any(event.id for event in real_events(ours)):
            return Finding(
                ours.line,
                f"The events of {ours.method} {ours.path}{of_line(ours.line)} have no ids: no line "
                f"says `id: {its.id}`. What does a browser say when it comes back?",
            )
    return None


RESUMES = "last-event-id"


@rule("last-event-id-ignored", "events", "arguments")
def last_event_id_ignored(case: Case) -> Finding | None:
    """A client that comes back gets everything from the beginning.

    A browser says in the header `Last-Event-ID` which event it has seen last. If nobody reads
    that, it gets all the old ones a second time.

    Instead: a parameter `last_event_id: Annotated[int, Header()] = 0`. Without `Header()` FastAPI
    looks for it in the query.
    """
    for ours, theirs in case.exchanges():
        named = _last_seen(case, ours)
        calls = calls_of(case.got, ours.number), calls_of(case.expected, theirs.number)
        for mine, its in zip(*calls, strict=False):
            given = str(mine.arguments[0]) if mine.arguments else ""
            if named and its.arguments and given != named and given in ("", "0", "None"):
                line = case.call_line(mine)
                return Finding(
                    line,
                    f"{at_line(line)} calls {mine.name} with {given or 'nothing'}, though the "
                    f"client says Last-Event-ID: {named}. Where does the endpoint look for it?",
                )
    return None


def _last_seen(case: Case, exchange: Exchange) -> str:
    """The id of the event that a client says it has seen last; empty if it says nothing."""
    headers = case.scenario.requests[exchange.number].headers
    return next((value for name, value in headers if name.lower() == RESUMES), "")


@rule("generator-cancelled", "events", "call-endings", "silence")
def generator_cancelled(case: Case) -> Finding | None:
    """A time limit around the next item of a generator ends the generator.

    When the limit is over, `wait_for` and `asyncio.timeout` cancel what is waited for. Here that is
    the generator itself, in the middle of its work. A cancelled generator is over: the next
    `anext` raises `StopAsyncIteration`, and what would have come is lost.

    Instead: let a task read the generator into a queue, and put the limit around `queue.get()`;
    or `asyncio.wait([task], timeout=15)`, which cancels nothing.
    """
    names = {name for name, given in case.scenario.collaborators.items() if isinstance(given, Rows)}
    for ours, theirs in case.exchanges():
        calls = calls_of(case.got, ours.number), calls_of(case.expected, theirs.number)
        for call, its in zip(*calls, strict=False):
            is_early = call.end.tick < its.end.tick and _is_there(ours, call.end.tick)
            if ends_with_a_row(case, call):
                continue  # it is closed by what reads it
            if call.name in names and call.how == "cancelled" and is_early:
                line = _limit_line(case, call)
                return Finding(
                    line,
                    f"{at_line(line)} gives up waiting for the next item of {call.name} after "
                    f"{in_seconds(_waited(case, call))}. That cancels the generator, which is over "
                    "then, and what would have come next is lost. What could you wait for in its "
                    "place?",
                )
    return None


def _is_there(exchange: Exchange, tick: int) -> bool:
    """Whether the client has not left by then."""
    return exchange.hung_up is None or tick < exchange.hung_up.tick


def _last_wait(case: Case, call: Span) -> Span | None:
    ends = [w for w in case.waits(call.exchange) if w.end.tick == call.end.tick and w.line]
    return max(ends, key=lambda wait: wait.seconds, default=None)


def _limit_line(case: Case, call: Span) -> int | None:
    wait = _last_wait(case, call)
    return wait.line if wait else case.call_line(call)


def _waited(case: Case, call: Span) -> int:
    span = _last_wait(case, call) or call
    return span.end.tick - span.start.tick


@rule("stream-silent", "silence")
def stream_silent(case: Case) -> Finding | None:
    """An event stream sends nothing for a long time.

    Proxies and load balancers close connections on which nothing moves, often after 60 s, some
    after 30. The client comes back each time, and misses what comes in between.

    Instead: send a comment, a line that begins with a colon, when there was nothing else to send
    for a while. FastAPI's `EventSourceResponse` does so every 15 s.
    """
    for ours, theirs in case.exchanges():
        silent, should = longest_silence(ours), longest_silence(theirs)
        if silent > should:
            line = case.longest_wait_line(ours)
            return Finding(
                line,
                f"{ours.method} {ours.path} sends nothing for {in_seconds(silent)}, while "
                f"{at_line(line).lower()} waits: no event, and no comment. To a proxy such a "
                "connection is dead. What could be sent that isn't an event?",
            )
    return None


@rule("stream-buffered", "events")
def events_late(case: Case) -> Finding | None:
    """Finds it in events: they come, and later than they are there."""
    for ours, theirs in case.exchanges():
        mine, its = [*real_events(ours)], [*real_events(theirs)]
        if not mine or [*map(data_of, mine)] != [*map(data_of, its)][: len(mine)]:
            continue
        late = [(m, i) for m, i in zip(mine, its, strict=False) if m.at.tick > i.at.tick]
        if late:
            first, should = late[0]
            behind = in_seconds(first.at.tick - should.at.tick)
            return Finding(
                ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)} sends "
                f"{shortened(data_of(first), LONGEST)} {behind} after it is there. What holds it "
                "back?",
            )
    return None


@rule("event-unasked", "events")
def event_unasked(case: Case) -> Finding | None:
    """A client gets an event that it shouldn't get, or gets one twice.

    What is sent as `data:` reaches the program of the client, whatever you mean by it.

    Instead: to keep a connection open, send a comment: a line that begins with a colon. Let
    each piece of news have one way to the client.
    """
    if arguments(case.got) != arguments(case.expected):
        return None  # that is why
    for ours, theirs, missing, extra in _what_differs(case):
        if extra and not missing:
            data = next(iter(extra))
            known = any(
                _comes(theirs, event) for event in real_events(ours) if data_of(event) == data
            )
            again = " once too often" if known else ", which this client shouldn't get"
            return Finding(
                ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)} sends "
                f"{shortened(data, LONGEST)}{again}. What sends it?",
            )
    return None


@rule("event-lost", "events")
def event_lost(case: Case) -> Finding | None:
    """A client doesn't get an event that it should get.

    It was sent to another client, or at a moment when nobody listened, or it was dropped, or
    swallowed on the way.

    Instead: give each client a queue or a subscription of its own, and begin it before you look
    at what is there already.
    """
    if arguments(case.got) != arguments(case.expected):
        return None  # that is why
    for ours, _, missing, extra in _what_differs(case):
        if missing and not extra:
            data = next(iter(missing))
            count = missing.total()
            more = f", nor {count - 1} more" if count > 1 else ""
            return Finding(
                ours.line,
                f"The client of {ours.method} {ours.path}{of_line(ours.line)} never gets the event "
                f"{shortened(data, LONGEST)}{more}.{_how_it_ended(ours)}",
            )
    return None


def _how_it_ended(exchange: Exchange) -> str:
    over = exchange.completed or exchange.returned
    if over is None or (exchange.hung_up is not None and over >= exchange.hung_up):
        return " Where does it get lost?"
    return f" The stream ends after {in_seconds(over.tick - exchange.started.tick)}."


def _what_differs(
    case: Case,
) -> Iterator[tuple[Exchange, Exchange, Counter[str], Counter[str]]]:
    """Both exchanges, what the first should have sent and hasn't, and what it has sent beyond."""
    for ours, theirs in case.exchanges():
        mine = Counter(map(data_of, real_events(ours)))
        its = Counter(map(data_of, real_events(theirs)))
        yield ours, theirs, its - mine, mine - its
