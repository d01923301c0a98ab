"""Connections, generators and streams: what is opened must be closed, once, and not too soon."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise, takewhile

from ...model.scenarios import Opens, Rows
from ...model.trace import NEVER, Exchange, Span, Trace
from ..aspects.answers import ends_cancelled, statuses
from ..aspects.aspect import times
from ..aspects.connections import calls_on, closings_of, held_during, openings
from .case import Case, at_line, calls_of, in_seconds, in_words, of_line
from .registry import Finding, rule
from .source import Source

LIVES = ("resources", "lifespan-order", "calls", "call-endings", "status", "body")
"""Aspects in which it shows that something was closed too soon, or is shared."""

STREAMS = ("call-endings", "calls", "left-running", "resources")
"""Aspects in which it shows what becomes of a stream whose client has left."""


@rule("stream-buffered", "lines", "elapsed", "call-endings")
def stream_buffered(case: Case) -> Finding | None:
    """Rows of a stream are held back, and sent later than they could be.

    Something collects them: a list, a join, a batch, or a newline that is written before the
    next row and not after this one. The client waits, and the memory grows with the rows.

    Instead: `yield` each row as a whole line, newline included, as soon as it is there.
    """
    for ours, theirs in case.exchanges():
        if calls_of(case.expected, theirs.number) and not calls_of(case.got, ours.number):
            continue  # what it sends was there before
        if text := _how_it_is_held_back(ours, theirs):
            line = _generator_line(case) or ours.line
            return Finding(line, f"{ours.method} {ours.path}{of_line(line)} {text}")
    return None


def _how_it_is_held_back(ours: Exchange, theirs: Exchange) -> str:
    if _is_one_behind(ours, theirs):
        return "sends a row only when the next one is there. What keeps it until then?"
    mine, should = (len({chunk.at.tick for chunk in one.chunks}) for one in (ours, theirs))
    if mine < should and (_comes_as_a_whole(ours, theirs) or _comes_together(ours, theirs)):
        return (
            "sends rows together that didn't come together: the first has to wait for the last. "
            "What collects them?"
        )
    if _each_line_is_late(ours, theirs):
        return (
            "completes each line only when the next row is there. A client that reads line by "
            "line waits for the newline, which belongs at the end of each row."
        )
    if should > 1 and not mine and ours.hung_up is not None:
        return "has sent nothing by the time its first rows were there. What collects them?"
    return ""


def _comes_as_a_whole(ours: Exchange, theirs: Exchange) -> bool:
    """Whether most of a body comes at one moment, when the last row is there."""
    moments = {chunk.at.tick for chunk in ours.chunks}
    if len(moments) != 1 or not theirs.chunks:
        return False
    is_late = ours.chunks[-1].at.tick >= theirs.chunks[-1].at.tick
    return is_late and 2 * len(ours.body) > len(theirs.body)


def _comes_together(ours: Exchange, theirs: Exchange) -> bool:
    """Whether two lines come at one moment that should come one after the other."""
    pairs = zip(pairwise(_moments(ours)), pairwise(_moments(theirs)), strict=False)
    return any(one == next_ and first != second for (one, next_), (first, second) in pairs)


def _is_one_behind(ours: Exchange, theirs: Exchange) -> bool:
    """Whether from some row on, not from the first, each comes with the next, or at the end."""
    mine, should = (_moments(exchange) for exchange in (ours, theirs))
    on_time = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(mine, should, strict=False))
    )
    return 0 < on_time < len(mine) - 1 and mine[on_time:-1] == should[on_time + 1 : len(mine)]


def _moments(exchange: Exchange) -> list[int]:
    """When each line was there, in ticks from the request."""
    return [chunk.at.tick - exchange.started.tick for chunk in exchange.lines()]


def _each_line_is_late(ours: Exchange, theirs: Exchange) -> bool:
    mine, should = (_moments(exchange) for exchange in (ours, theirs))
    is_shifted = len(mine) == len(should) > 1 and mine != should and mine[:-1] == should[1:]
    return is_shifted and _first_row(ours) == _first_row(theirs)


def _first_row(exchange: Exchange) -> object:
    """The first line read as JSON, or as it is."""
    line = next(exchange.lines()).body
    try:
        return json.loads(line)
    except ValueError:
        return line


def _generator_line(case: Case) -> int | None:
    return next((case.call_line(span) for span in case.got.calls()), None)


@rule("stream-goes-on-too-long", "elapsed", "lines")
def stream_goes_on(case: Case) -> Finding | None:
    """A stream is not over when its last row has been sent.

    The client sees the end only when the response is complete. A wait after each row also
    comes after the last one.

    Instead: let the generator end with its last row; wait before a row, if you must, not after.
    """
    for ours, theirs in case.exchanges():
        lines, wanted = list(ours.lines()), list(theirs.lines())
        if ours.completed is None or theirs.completed is None or not lines:
            continue
        late = ours.completed.tick - lines[-1].at.tick
        should = theirs.completed.tick - wanted[-1].at.tick if wanted else late
        if len(lines) == len(wanted) > 1 and late > should:
            waits = [w for w in case.waits(ours.number) if w.start.tick >= lines[-1].at.tick]
            longest = max(waits, key=lambda wait: wait.seconds, default=None)
            line = longest.line if longest else case.longest_wait_line(ours)
            return Finding(
                line,
                f"{at_line(line)} keeps the stream open after its last row: the client has all "
                f"rows, and learns only {in_seconds(late)} later that it is over.",
            )
    return None


@rule("generator-shared", "arguments", "lines", "events", "body", "status", "elapsed", *STREAMS)
def generator_shared(case: Case) -> Finding | None:
    """One generator serves all requests.

    A generator runs once. What one request has taken from it, another doesn't get, and two at
    once are an error.

    Instead: call the generator function for each request, inside the endpoint.
    """
    names = {n for n, given in case.scenario.collaborators.items() if isinstance(given, Rows)}
    if statuses(case.got) != statuses(case.expected) and case.is_about("events"):
        return None  # a request that is refused needs none
    for name in sorted(names):
        mine, wanted = len(case.got.calls(name)), len(case.expected.calls(name))
        if 0 < mine < wanted and _serves_several(case, name):
            line = case.call_line(case.got.calls(name)[0])
            served = sum(e.status is not None for e in case.got.exchanges)
            return Finding(
                line,
                f"{at_line(line)} takes rows from a generator that serves {served} requests: "
                f"{name} is called {times(mine)}, and each request needs a generator of its own.",
            )
    return None


def _serves_several(case: Case, name: str) -> bool:
    is_the_apps = any(call.exchange is None for call in case.got.calls(name))
    return is_the_apps or any(_gets_the_rest(case, *both) for both in case.exchanges())


def _gets_the_rest(case: Case, ours: Exchange, theirs: Exchange) -> bool:
    """Whether a request makes no generator of its own, and gets less than it should."""
    error = ours.raised
    is_shut_out = error is not None and "generator" in error.text
    is_served = error is None and ours.is_success and len(ours.body) < len(theirs.body)
    has_own = any(_is_generator(case, span) for span in calls_of(case.got, ours.number))
    return (is_shut_out or is_served) and not has_own


@rule("cancellation-swallowed", *STREAMS, "cancellation")
def cancellation_ignored(case: Case) -> Finding | None:
    """Finds it in a stream: the client left, and the learner's code went on regardless."""
    for exchange in case.got.exchanges:
        line = _cancelled_in_vain(case, exchange)
        if line is not None:
            return Finding(
                line,
                f"{at_line(line)} was cancelled because the client hung up, and your code caught "
                "the CancelledError and went on. That error is the request to stop: clean up, "
                "then let it through.",
            )
    return None


def _cancelled_in_vain(case: Case, exchange: Exchange) -> int | None:
    """The line of a wait that the hang-up cancelled, if its task went on all the same."""
    if exchange.hung_up is None or exchange.returned is None:
        return None
    gone = exchange.hung_up.tick
    mine = [span for span in case.got.spans if span.exchange == exchange.number]
    cut = [
        span
        for span in mine
        if (span.kind, span.how) == ("wait", "cancelled") and span.line is not None
        if span.seconds and span.end.tick == gone
    ]
    later = {
        span.task
        for span in mine
        if span.kind in ("wait", "call") and span.start.tick >= gone and span.end.tick > gone
    }
    return next((span.line for span in cut if span.task in later), None)


@rule("generator-left-open", *STREAMS)
def generator_left_open(case: Case) -> Finding | None:
    """A generator isn't closed when nobody reads from it any more.

    An `async for` that is left early, by an error or a cancellation, doesn't close the
    generator. Its `finally` runs some time later, and what it holds is held until then.

    Instead: `async with aclosing(rows()) as rows:` around the loop.
    """
    for exchange in case.got.exchanges:
        is_cancelled = case.is_cancelled(exchange)
        gone = exchange.returned if is_cancelled else exchange.hung_up
        who = "the server has cancelled the request" if is_cancelled else "the client has hung up"
        for span in calls_of(case.got, exchange.number):
            if gone and _is_generator(case, span) and span.end.tick > gone.tick:
                line = case.call_line(span)
                return Finding(
                    line,
                    f"{span.name}{of_line(line)} is still open after {who}: its `finally` hasn't "
                    "run. What closes a generator that nobody reads any more?",
                )
    return None


def _is_generator(case: Case, span: Span) -> bool:
    opens = isinstance(case.scenario.collaborators.get(span.name), Opens)
    return span.resource is not None and "." not in span.name and not opens


@rule("cancellation-swallowed", "cancellation", "resources", "call-endings", "status")
def cancelled_call_answers(case: Case) -> Finding | None:
    """Finds it where the server cancels a request, and the request goes on all the same."""
    for ours, theirs in case.exchanges():
        looks_complete = ours.completed is not None and theirs.completed is None
        if _took(ours) < _took(theirs):
            continue  # it was over before it could be cancelled
        if ends_cancelled(theirs) and (not ends_cancelled(ours) or looks_complete):
            line = _cut_off_at(case, ours, theirs)
            if line is None:
                continue  # it was over before
            return Finding(
                line,
                f"{at_line(line)} was cancelled by the server, and your code stopped the "
                "CancelledError and went on. An `except` does that, and so does a `return` in "
                "`finally`. Clean up, then let it through: the server waits for that.",
            )
    return None


def _took(exchange: Exchange) -> int:
    """Ticks until an exchange was over."""
    return exchange.returned.tick - exchange.started.tick if exchange.returned else NEVER


def _cut_off_at(case: Case, ours: Exchange, theirs: Exchange) -> int | None:
    """The line of the wait that was cancelled. `wait_for` and groups end theirs themselves."""
    waits = case.waits(ours.number)
    cut = [span for span in (*waits, *calls_of(case.got, ours.number)) if span.how == "cancelled"]
    ends = {span.end.tick for span in cut[:1]}
    if theirs.returned is not None and not cut:  # what waited behind a `shield` ends all the same
        ends = {ours.started.tick + theirs.returned.tick - theirs.started.tick}
    ended = [wait for wait in waits if wait.end.tick in ends]
    return next((case.call_line(span) for span in (*ended, *cut)), None)


# Connections


@rule("shared-connection", *LIVES, "work-order", "elapsed")
def shared_connection(case: Case) -> Finding | None:
    """Several requests use one connection.

    A connection does one thing at a time. Requests that share one wait for each other, end up
    in each other's transactions, and lose it together when it breaks.

    Instead: a connection for each request, or a pool that lends one to each.
    """
    if any(len(_users(queries)) > 1 for _, queries, _ in _connections(case.expected)):
        return None  # it is meant to be shared
    for opening, queries, _ in _connections(case.got):
        users = _users(queries)
        if len(users) > 1:
            line = case.call_line(opening)
            return Finding(
                line,
                f"{at_line(line)} opens {_a(opening)} that serves {len(users)} requests. "
                "If one of them fails in the middle of it, the others suffer, too.",
            )
    return None


def _users(queries: list[Span]) -> set[int]:
    return {query.exchange for query in queries if query.exchange is not None}


@rule("called-twice", *LIVES, "arguments", "elapsed", "requests")
def called_twice(case: Case) -> Finding | None:
    """One request makes the same call more often than it needs to.

    Each call costs its time, and may do something: open a connection, send an order. The second
    answer may differ from the first.

    Instead: call once, and keep the result in a variable.
    """
    for ours, theirs in case.exchanges():
        got = _call_counts(case.got, ours.number)
        expected = _call_counts(case.expected, theirs.number)
        for (name, given), count in got.items():
            if count > expected[name, given] > 0 and not _was_given_up(case, ours, name):
                line = case.call_line(calls_of(case.got, ours.number, name)[-1])
                left_out = sorted({other for other, _ in expected} - {other for other, _ in got})
                return Finding(
                    line,
                    f"{at_line(line)} calls {name} again: {times(count)} for one request, where "
                    f"{times(expected[name, given])} is enough."
                    f"{_in_its_place(case, line, left_out)}",
                )
    return None


def _was_given_up(case: Case, exchange: Exchange, name: str) -> bool:
    """Whether it is called again because a call was cut off that the reference waits for."""
    mine, its = (calls_of(trace, exchange.number, name) for trace in (case.got, case.expected))
    return any(call.how == "cancelled" for call in mine) and all(c.how == "done" for c in its)


def _in_its_place(case: Case, line: int | None, left_out: list[str]) -> str:
    """What is never called, where another call has taken its place."""
    if not left_out:
        return ""
    said = f" And {in_words(left_out)} {'is' if len(left_out) == 1 else 'are'} not called at all."
    if not Source(case.source).calls_what_a_loop_names(line):
        return said
    return f"{said} A function looks up the variable of a loop when it runs, not before."


@rule("called-in-vain", *LIVES, "arguments")
def called_in_vain(case: Case) -> Finding | None:
    """A request makes a call that its answer has no use for.

    It takes time, and may do something: open a connection, ask another service. A dependency of
    the whole app or router is called for each of their routes.

    Instead: let only the routes that need it depend on it.
    """
    if case.depends_on_time():
        return None  # who calls is not told by the request alone
    for ours, theirs in case.exchanges():
        needed = {span.name for span in calls_of(case.expected, theirs.number)}
        mine = calls_of(case.got, ours.number)
        if ours.status != theirs.status or not needed <= {call.name for call in mine}:
            continue  # it may stand in place of what is needed
        for call in mine:
            if call.name not in needed and "." not in call.name:
                line = case.call_line(call)
                return Finding(
                    line or ours.line,
                    f"{at_line(line)} calls {call.name} for {ours.method} {ours.path}, whose "
                    "answer has no use for it. What makes this request call it?",
                )
    return None


def _call_counts(trace: Trace, exchange: int) -> Counter[tuple[str, str]]:
    """How often each call was made, but for closings.

    What is done with a resource is another call if it is done with other arguments: a write of
    the next piece isn't a repetition.
    """
    calls = (call for call in calls_of(trace, exchange) if ".close" not in call.name)
    return Counter((call.name, _given(call)) for call in calls)


def _given(call: Span) -> str:
    return repr(call.arguments) if "." in call.name else ""


def _connections(trace: Trace) -> Iterator[tuple[Span, list[Span], list[Span]]]:
    """Every opened connection with its queries and its closings."""
    for opening in openings(trace):
        own = calls_on(trace, opening)
        queries = [span for span in own if not span.name.endswith(".close")]
        yield opening, queries, [span for span in own if span.name.endswith(".close")]


def _thing(opening: Span) -> str:
    """What a call opens, if its name says so: `open_cache` opens a cache."""
    thing = opening.name.removeprefix("open_")
    is_told = thing != opening.name and thing.isalpha() and not thing.endswith("s")
    return thing if is_told else "connection"


def _a(opening: Span) -> str:
    thing = _thing(opening)
    return f"{'an' if thing[0] in 'aeiou' else 'a'} {thing}"


@rule("closed-too-early", *LIVES)
def closed_too_early(case: Case) -> Finding | None:
    """A connection is closed while it is still needed.

    At the end of an `async with` block the connection is closed. What was only begun inside,
    or is used after the block, finds it closed.

    Instead: keep all uses of it inside the block, awaited.
    """
    for opening, queries, closings in _connections(case.got):
        for query in queries:
            early = [c for c in closings if c.start < query.end]
            if early:
                line = case.call_line(early[0])
                user = f"{query.name}{of_line(case.call_line(query))}"
                is_on = query.start < early[0].start
                when = f"while {user} still needs it" if is_on else f"before {user} is called"
                return Finding(
                    line,
                    f"{at_line(line)} closes the {_thing(opening)} {when}. What uses it comes "
                    "first, and is awaited.",
                )
    return None


@rule("closed-twice", *LIVES)
def closed_twice(case: Case) -> Finding | None:
    """A connection is closed that has been closed already.

    Two places believe that it is theirs. With a pool, the second close may hit a connection
    that is someone else's by then.

    Instead: one owner, which opens and closes: a context manager with `finally`.
    """
    for opening, _, closings in _connections(case.got):
        if len(closings) > 1:
            line, first = (case.call_line(one) for one in (closings[1], closings[0]))
            return Finding(
                line,
                f"{at_line(line)} closes {_a(opening)} that {at_line(first).lower()} has closed "
                f"already. Only one place should do so: the one that opens it.",
            )
    return None


@rule("closed-too-late", "resources")
def closed_too_late(case: Case) -> Finding | None:
    """A connection is kept while work goes on that doesn't need it.

    What follows a dependency's `yield` runs when the request is over: after the answer, and
    after its background tasks. A task of a minute holds the connection for a minute, and others
    wait for it.

    Instead: `Depends(connection, scope="function")`, which ends when the endpoint has returned;
    or an `async with` in the endpoint.
    """
    for call in case.got.calls():
        opening = held_during(case.got, call)
        if opening is None or not _is_after_answer(case.got, call):
            continue
        if not closings_of(case.got, opening):
            continue  # it is never closed
        if any(held_during(case.expected, theirs) for theirs in case.expected.calls(call.name)):
            continue
        line = case.call_line(opening)
        return Finding(
            line,
            f"{at_line(line)} opens {_a(opening)} that is still open when {call.name} begins, "
            "after the answer. By default, what follows the `yield` of a dependency runs when the "
            "background tasks are done. Which scope ends sooner?",
        )
    return None


def _is_after_answer(trace: Trace, call: Span) -> bool:
    """Whether a call of no connection begins when its exchange's answer is out."""
    if call.exchange is None or "." in call.name:
        return False
    answered = trace.exchanges[call.exchange].completed
    return answered is not None and call.start > answered


@rule("not-closed", "resources", "lifespan-order", "calls", "call-endings")
def not_closed(case: Case) -> Finding | None:
    """A connection that is opened is never closed.

    It stays open until the process ends, and the server at the other end has only so many.
    A close after the last line of the work is skipped by an error or a cancellation.

    Instead: close it in `finally`, best in an async context manager.
    """
    if not any(span.name.endswith(".close") for span in case.expected.calls()):
        return None
    for opening, _, closings in _connections(case.got):
        if all(closing.how in ("cancelled", "open") for closing in closings):
            line = case.call_line(opening)
            cut = " Its close() was begun and cut off." if closings else ""
            return Finding(
                line,
                f"{at_line(line)} opens {_a(opening)} that is never closed.{cut}"
                f"{_what_to_follow(case, opening)}",
            )
    return None


def _what_to_follow(case: Case, opening: Span) -> str:
    """What to think about; it depends on how the request went."""
    if opening.exchange is None:
        return f" {_how_the_app_ends(case)}"
    request = case.scenario.requests[opening.exchange]
    if request.cancelled_at is not None or case.got.exchanges[opening.exchange].hung_up:
        return " Follow the request that is cancelled: which lines still run?"
    if any(call.how == "failed" for call in calls_of(case.got, opening.exchange)):
        return " Follow the request that fails: which lines still run?"
    return " Follow the request to its end: which line closes it?"


def _how_the_app_ends(case: Case) -> str:
    if case.got.outcome.kind == "startup-failed":
        return "Follow the start that fails: which lines still run?"
    if any(call.how == "failed" and call.name.endswith(".close") for call in case.got.calls()):
        return "Closing another one fails: which lines still run?"
    if case.scenario.lifespan_end != "asked":
        what = "A cancellation" if case.scenario.lifespan_end == "cancelled" else "An exception"
        return f"{what} comes out of the `yield`: which lines still run?"
    return "Which line should close it, and when?"
