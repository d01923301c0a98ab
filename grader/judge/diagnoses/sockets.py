"""WebSockets: how they are opened and closed, what is sent over them, and who waits for whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from ...model.trace import Closing, Exchange, Incident, SocketMessage, Trace
from ...model.websockets import ABNORMAL
from ..aspects.messages import how_it_ends, is_closed_by_app, real_events, sent_by_app, text_of
from ..differences import shortened
from .case import Case, at_line, in_seconds, of_line
from .registry import Finding, rule

LONGEST = 60
"""Characters of a message that are shown."""

ACCEPTED = 101

ABOUT = 1_000_000
"""Ticks within which two moments are about the same."""


@rule("not-accepted", "messages", "closes", "status", "arguments", "calls")
def not_accepted(case: Case) -> Finding | None:
    """A WebSocket is used, or left, before it is accepted.

    The client has asked whether it may connect. Until you `accept`, nothing can be sent or
    received. If you `close` it before that, the client is refused with status 403; if the
    endpoint just ends, with 500.

    Instead: `await socket.accept()` first. Then look who it is.
    """
    for ours, theirs in case.exchanges():
        if theirs.status == ACCEPTED != ours.status and ours.method == "WEBSOCKET":
            error = ours.raised
            line = error.line if error else ours.line
            why = f" ({error.type}: {shortened(error.text, LONGEST)})" if error else ""
            return Finding(
                line,
                f"The WebSocket {ours.path}{of_line(line)} is not accepted{why}: the client is "
                f"refused with status {ours.status}. Which line lets it in?",
            )
    return None


@rule("slow-client-delays", "messages", "closes", "events")
def slow_client_delays(case: Case) -> Finding | None:
    """A client that doesn't read makes others wait.

    What is sent to a client lies in a buffer until it reads. When the buffer is full, `send` waits.
    An app that sends to several clients in turn, or with `gather`, waits for the slowest, and so do
    all the others.

    Instead: a queue for each client, filled with `put_nowait`, and for each a task of its own that
    sends what is in it. Say what happens when a queue is full.
    """
    if case.aspect is None or not any(one.reads is not None for one in case.scenario.requests):
        return None
    awake = tuple(msgspec.structs.replace(one, reads=None) for one in case.scenario.requests)
    got, expected = case.replay(msgspec.structs.replace(case.scenario, requests=awake))
    if got.outcome.kind != "finished" or not _agree_on_the_quick(case, got, expected):
        return None
    line = _line_that_waits_longer(case.got, got)
    if line is None:
        return None
    return Finding(
        line,
        f"{at_line(line)} waits for a client that doesn't read, and meanwhile the others get "
        "nothing: without that client they get everything in time. What should wait for a slow "
        "client, and what should not?",
    )


def _agree_on_the_quick(case: Case, got: Trace, expected: Trace) -> bool:
    """Whether those who read get the right things once everybody reads, and not before."""
    quick = [n for n, one in enumerate(case.scenario.requests) if one.reads is None]
    return all(_seen(got, n) == _seen(expected, n) for n in quick) and any(
        _seen(case.got, n) != _seen(case.expected, n) for n in quick
    )


def _seen(trace: Trace, number: int) -> object:
    """What a client gets, and when."""
    exchange = trace.exchanges[number]
    said = [(text_of(one), one.at.tick) for one in sent_by_app(exchange)]
    told = [(event.data, event.at.tick) for event in real_events(exchange)]
    return said, told, how_it_ends(exchange) if exchange.method == "WEBSOCKET" else ""


def _line_that_waits_longer(slow: Trace, quick: Trace) -> int | None:
    """The line that waits more seconds in one trace than in the other."""
    longer = _seconds_by_line(slow)
    longer.subtract(_seconds_by_line(quick))
    return next((line for line, ticks in longer.most_common(1) if ticks > 0), None)


def _seconds_by_line(trace: Trace) -> Counter[int]:
    waits = Counter[int]()
    for span in trace.spans:
        if span.kind == "wait" and span.line is not None:
            waits[span.line] += span.end.tick - span.start.tick
    return waits


@rule("wrong-close-code", "closes")
def wrong_close_code(case: Case) -> Finding | None:
    """A WebSocket is closed with the wrong code.

    The code is all that the client gets to know: whether to come back at once, later, or never.
    `close()` without a code says 1000, "all is well". An endpoint that returns without closing,
    or fails, says nothing: the client sees 1006, a connection that was lost.

    Instead: `await socket.close(1008)`, with the code that says why.
    """
    for ours, theirs in _closed_by_app(case):
        mine, its = ours.closing, theirs.closing
        if mine is None or its is None or mine.code == its.code or not is_closed_by_app(ours):
            continue
        if mine.at.tick > its.at.tick + ABOUT:
            continue  # it wasn't closed when it should have been
        line = mine.line or ours.line
        if mine.code == ABNORMAL:
            does = f"The endpoint of {ours.path}{of_line(line)} ends without closing the connection"
        else:
            does = f"{at_line(line)} closes {ours.path} with {mine.code}"
        return Finding(
            line,
            f"{does}, and it should be closed with {its.code}. What does the code tell the client?",
        )
    return None


@rule("socket-left-open", "closes")
def socket_left_open(case: Case) -> Finding | None:
    """A WebSocket stays open that should be closed.

    A connection whose client is silent, unknown or asleep costs memory, and a place. Nothing
    closes it but you.

    Instead: a time limit around each wait for a message, an event that another task can set, a
    bound for what a client has unread: and when it is reached, `close` with a code that says why.
    """
    for ours, theirs in _closed_by_app(case):
        mine, its = ours.closing, theirs.closing
        if mine is None or its is None or _ends_in_time(ours, its):
            continue
        after = its.at.tick - theirs.started.tick
        line = _waiting_at(case, ours, ours.started.tick + after)
        return Finding(
            line,
            f"Nothing closes {ours.path}: {in_seconds(after)} after the client has come, the "
            f"connection should be closed with {its.code}, and "
            f"{at_line(line).lower()} goes on waiting.",
        )
    return None


@rule("closed-early-or-late", "closes")
def closed_early_or_late(case: Case) -> Finding | None:
    """A WebSocket is closed at the wrong moment.

    A time limit counts from the moment at which it is set. One around the whole conversation is
    over whatever the client has said meanwhile; one around each wait starts over.

    Instead: put the limit around the one wait that it is meant for.
    """
    for ours, theirs in _closed_by_app(case):
        mine, its = ours.closing, theirs.closing
        if mine is None or its is None or mine.code != its.code or not is_closed_by_app(ours):
            continue
        ticks, should = (mine.at.tick - ours.started.tick, its.at.tick - theirs.started.tick)
        if ticks != should:
            line = mine.line or ours.line
            asks = (
                "From when does its limit count" if ticks < should else "What should close it then"
            )
            return Finding(
                line,
                f"{at_line(line)} closes {ours.path} {in_seconds(ticks)} after the client has "
                f"come, and it should be after {in_seconds(should)}. {asks}?",
            )
    return None


@rule("socket-closed", "closes", "messages")
def socket_closed(case: Case) -> Finding | None:
    """A WebSocket is closed that should stay open.

    One message that makes no sense, or one slow moment, isn't a reason to lose a client. An error
    that gets out of the endpoint closes the connection, too.

    Instead: handle what one message may do wrong around that message, and go on with the next.
    """
    for ours, theirs in case.exchanges():
        closing = ours.closing
        if closing is None or not is_closed_by_app(ours) or is_closed_by_app(theirs):
            continue
        after = in_seconds(closing.at.tick - ours.started.tick)
        fatal = _fatal_to_a_task(case, ours, closing)
        if fatal is not None:
            return Finding(
                fatal.line,
                f"{at_line(fatal.line)} raises {fatal.detail}. That ends its task, {after} after "
                f"the client of {ours.path} has come, and the connection ends with it.",
            )
        line = closing.line or (ours.raised and ours.raised.line) or ours.line
        how = "" if closing.code == ABNORMAL else f" with {closing.code}"
        return Finding(
            line,
            f"{at_line(line)} ends {ours.path}{how} {after} after the client has come, and it "
            "should stay open. What has happened just before?",
        )
    return None


def _fatal_to_a_task(case: Case, exchange: Exchange, closing: Closing) -> Incident | None:
    """The error of which a task of an exchange died when its WebSocket was closed."""
    return next(
        (
            died
            for died in case.incidents("exception-unretrieved")
            if died.exchange == exchange.number and died.at.tick == closing.at.tick
        ),
        None,
    )


def _ends_in_time(ours: Exchange, its: Closing) -> bool:
    """Whether the app ends a WebSocket by itself, with this code or about at this moment."""
    mine = ours.closing
    if mine is None or not is_closed_by_app(ours):
        return False
    return mine.code == its.code or mine.at.tick <= its.at.tick + ABOUT


def _closed_by_app(case: Case) -> Iterator[tuple[Exchange, Exchange]]:
    """The pairs in which the reference closes the WebSocket."""
    return ((ours, theirs) for ours, theirs in case.exchanges() if is_closed_by_app(theirs))


def _waiting_at(case: Case, exchange: Exchange, tick: int) -> int | None:
    """The line at which an exchange waits at a moment, or where its endpoint begins."""
    waits = [w for w in case.waits(exchange.number) if w.start.tick < tick <= w.end.tick]
    return next((wait.line for wait in waits if wait.line is not None), exchange.line)


@rule("message-unasked", "messages")
def message_unasked(case: Case) -> Finding | None:
    """A client gets a message that isn't meant for it.

    It belongs to another room, or answers another client, or something that nobody asked.

    Instead: keep the members of each room apart, and answer a client over its own socket.
    """
    for ours, missing, extra in _first_difference(case):
        if extra and not missing:
            line = _line_of(ours, extra)
            return Finding(
                line,
                f"{at_line(line)} sends {shortened(next(iter(extra)), LONGEST)} to client "
                f"#{ours.number + 1} of {ours.path}, which shouldn't get it.",
            )
    return None


@rule("message-lost", "messages")
def message_lost(case: Case) -> Finding | None:
    """A client doesn't get a message that it should get.

    It was left out, or dropped, or its connection was over by then.

    Instead: follow one message from where it comes in to each of those who should get it.
    """
    for ours, missing, extra in _first_difference(case):
        if missing and not extra:
            count = missing.total()
            more = f", nor {count - 1} more" if count > 1 else ""
            over = _how_it_ended(ours)
            return Finding(
                ours.line,
                f"Client #{ours.number + 1} of {ours.path}{of_line(ours.line)} never gets "
                f"{shortened(next(iter(missing)), LONGEST)}{more}.{over}",
            )
    return None


def _how_it_ended(exchange: Exchange) -> str:
    if not is_closed_by_app(exchange) or exchange.closing is None:
        return " Which line should send it?"
    after = exchange.closing.at.tick - exchange.started.tick
    return f" Its connection is over after {in_seconds(after)}."


@rule("wrong-message", "messages", general=True)
def wrong_message(case: Case) -> Finding | None:
    """A client gets the wrong message, or gets it at the wrong moment.

    Clients are programs: a member that is missing, another number or type, or JSON that is
    encoded twice makes a message that they can't read.

    Instead: compare it with what is expected, from its beginning.
    """
    for ours, theirs in case.exchanges():
        for mine, its in zip(sent_by_app(ours), sent_by_app(theirs), strict=False):
            after, should = (mine.at.tick - ours.started.tick, its.at.tick - theirs.started.tick)
            if text_of(mine) == text_of(its) and after == should:
                continue
            other = _shown(its) if text_of(mine) != text_of(its) else f"after {in_seconds(should)}"
            line = mine.line or ours.line
            return Finding(
                line,
                f"{at_line(line)} sends {_shown(mine)} to client #{ours.number + 1} of "
                f"{ours.path}, {in_seconds(after)} after it has come, and it should be {other}.",
            )
    return None


def _shown(message: SocketMessage) -> str:
    return shortened(text_of(message), LONGEST)


def _line_of(exchange: Exchange, texts: Counter[str]) -> int | None:
    """The line that sent one of these."""
    lines = (one.line for one in sent_by_app(exchange) if text_of(one) in texts)
    return next(lines, exchange.line)


def _first_difference(case: Case) -> Iterator[tuple[Exchange, Counter[str], Counter[str]]]:
    """Of the first client that gets something else: what it has missed, and got beyond that."""
    for ours, theirs in case.exchanges():
        mine, its = (Counter(map(text_of, sent_by_app(one))) for one in (ours, theirs))
        if mine != its:
            yield ours, its - mine, mine - its
            return
