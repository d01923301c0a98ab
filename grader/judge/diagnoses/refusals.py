"""Requests that are refused: too late, too loudly, or after something was done for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl

import msgspec

from ...model.requests import Request
from ...model.scenarios import Postgres
from ...model.trace import Exchange, Span, Trace, to_ticks
from ..aspects.answers import done, gives_away
from ..differences import shortened
from .case import Case, at_line, calls_of, in_seconds, of_line
from .registry import Finding, rule
from .relayed import statements_of

LEAST = 5
"""Characters of a text that is in no answer by chance."""


@rule("body-read-whole", "elapsed")
def body_read_whole(case: Case) -> Finding | None:
    """A body is read to its end before anything is decided about it.

    `await request.body()`, and every parameter that is a body, a form or a file, waits until
    the client has sent all. A body that is too large is in memory by then, or on the disk, and
    the client has sent it for nothing.

    Instead: take the `Request`, go through `request.stream()` with `async for`, count what
    comes, and raise as soon as it is too much.
    """
    for ours, theirs in case.exchanges():
        last, took, should = _last_piece(case, ours), done(ours), done(theirs)
        if last is None or took is None or should is None or not should < last <= took:
            continue
        line = case.longest_wait_line(ours)
        return Finding(
            line,
            f"{at_line(line)} reads the body of {ours.method} {ours.path} to its end, and the "
            f"answer comes after {in_seconds(took)}. After {in_seconds(should)} enough of the "
            "body was there to answer it.",
        )
    return None


@rule("body-read-whole", "calls")
def pieces_kept(case: Case) -> Finding | None:
    """Finds it where what comes piece by piece is handed on only when all of it has come."""
    for ours in case.got.exchanges:
        last = _last_piece(case, ours)
        first, should = (_first_use(trace, ours.number) for trace in (case.got, case.expected))
        if last is None or first is None or should is None:
            continue
        begins, wanted = (one.start.tick - ours.started.tick for one in (first, should))
        if wanted < last <= begins:
            line = case.call_line(first)
            return Finding(
                line,
                f"{at_line(line)} calls {first.name} for the first time after "
                f"{in_seconds(begins)}, when the whole body of {ours.method} {ours.path} is there, "
                f"in memory. The first piece was there after {in_seconds(wanted)}.",
            )
    return None


def _first_use(trace: Trace, exchange: int) -> Span | None:
    """The first call that something which was opened is given data in."""
    calls = (call for call in calls_of(trace, exchange) if "." in call.name)
    return next((call for call in calls if any(call.arguments)), None)


def _last_piece(case: Case, exchange: Exchange) -> int | None:
    """Ticks from a request to the last piece of its body; None if it comes at once."""
    request = case.scenario.requests[exchange.number]
    if not isinstance(request, Request) or len(request.pieces) < 2 or not request.every:
        return None
    return to_ticks((len(request.pieces) - 1) * request.every)


@rule("done-before-refused", "calls", "arguments", "elapsed")
def done_before_refused(case: Case) -> Finding | None:
    """Something is done for a request that is refused in the end.

    What was stored or sent for the first half of a request stays when the second half turns
    out to be wrong. The client is told that it failed, tries again, and has it twice.

    Instead: check all there is to check, then do the first thing. Where only doing it tells
    whether it can be done, do it in a transaction.
    """
    if case.depends_on_time():
        return None  # who calls is not told by the request alone
    for ours, theirs in case.exchanges():
        if (theirs.status or 0) < 400:
            continue
        wanted = {span.name for span in calls_of(case.expected, theirs.number)}
        for call in calls_of(case.got, ours.number):
            if call.name not in wanted:
                line = case.call_line(call)
                return Finding(
                    line,
                    f"{at_line(line)} calls {call.name} for {ours.method} {ours.path}, a request "
                    f"that has to be refused with {theirs.status}. What could be checked before "
                    "that call?",
                )
    return None


@rule("input-repeated", "secret")
def input_repeated(case: Case) -> Finding | None:
    """A refusal repeats what the client has sent.

    That may be a password. Answers are logged, shown and kept where requests are not.
    FastAPI's own 422 has an `input` beside each error.

    Instead: a handler for `RequestValidationError` that answers with the places of what is
    wrong: `[problem["loc"] for problem in error.errors()]`.
    """
    for ours, theirs in case.exchanges():
        for text in _texts(_values(case.sent(ours))):
            if gives_away(ours, text) and not gives_away(theirs, text):
                return Finding(
                    ours.line,
                    f"The answer to {ours.method} {ours.path}{of_line(ours.line)} repeats what "
                    f"was sent: {shortened(text, 40)!r}. It could have been a password. What in "
                    "the answer is yours, and what is FastAPI's?",
                )
    return None


@rule("data-leaked", "secret")
def data_leaked(case: Case) -> Finding | None:
    """An answer holds data that should stay inside.

    A validation error has the record in its text; a record that is returned as it is has all
    its columns. Then any client that makes a request fail can read them.

    Instead: name what goes out, by a response model. Log an error with its traceback, and
    answer with a sentence of your own.
    """
    for ours, theirs in case.exchanges():
        for source, text in _returned(case, ours):
            if gives_away(ours, text) and not gives_away(theirs, text):
                line = ours.handled.line if ours.handled else ours.line
                return Finding(
                    line,
                    f"The answer to {ours.method} {ours.path}{of_line(line)} holds "
                    f"{shortened(text, 40)!r}, which {source} has returned and nobody "
                    "outside should see. What is that answer made of?",
                )
    return None


def _returned(case: Case, exchange: Exchange) -> Iterator[tuple[str, str]]:
    """What is asked for an exchange, each with the texts in what it may have returned."""
    for call in calls_of(case.got, exchange.number):
        given = msgspec.to_builtins(case.scenario.collaborators.get(call.name))
        yield from ((call.name, text) for text in _texts(given))
    for statement in statements_of(case, case.got, exchange):
        database = case.scenario.collaborators[statement.name]
        if isinstance(database, Postgres):
            literals = [text for text in _LITERAL.findall(database.seed_sql) if len(text) >= LEAST]
            yield from (("the database", text) for text in literals)


_LITERAL = re.compile(r"'([^']*)'")
"""A text in SQL."""


def _values(body: bytes) -> object:
    """What a body holds: JSON, a form, or text."""
    text = body.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except ValueError:
        return dict(parse_qsl(text)) or text


def _texts(value: object) -> Iterator[str]:
    """The texts and numbers in a value that are long enough to be known again."""
    if isinstance(value, dict):
        yield from _texts(list(value.values()))
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, str | int) and len(str(value)) >= LEAST:
        yield str(value)
