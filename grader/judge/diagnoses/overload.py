"""Which requests are let in, wait or are refused, when there is more to do than there is room."""

from __future__ import annotations

from typing import Any

from ...model.trace import Exchange, Span, Trace
from ..aspects.answers import done
from ..aspects.aspect import most_at_once
from ..differences import as_text, shortened
from .case import Case, at_line, calls_of, in_seconds, of_line
from .registry import Finding, rule
from .relayed import about_databases, statements_of

REFUSALS = (429, 503)
"""The statuses that say that there is no room, or not now."""

TURNS = ("calls", "status", "body", "elapsed")
"""Aspects in which it shows who gets a turn, and when."""


@rule("full-pool-retried", "status", "body", "elapsed")
@about_databases
def full_pool_retried(case: Case) -> Finding | None:
    """A request that got no connection stands in line for one again.

    A pool is full because there is too much to do. A request that asks again adds to that,
    waits several times as long, and takes the place of another.

    Instead: one wait with a limit, then 503 with `Retry-After`. Mind which classes your retry
    catches: asyncpg's `TimeoutError` is an `OSError`, psycopg's `PoolTimeout` an
    `OperationalError`.
    """
    for ours, theirs in case.exchanges():
        refused = theirs.status == 503 and not statements_of(case, case.expected, theirs)
        patience = done(theirs)
        if not refused or not patience or (done(ours) or 0) <= patience:
            continue
        before = [w for w in case.waits(ours.number) if w.end.tick <= _first_use(case, ours)]
        given_up = [w for w in before if abs(w.end.tick - w.start.tick - patience) <= 1_000]
        if len(given_up) > 1 or (given_up and len(before) > 1):
            line = given_up[0].line
            return Finding(
                line,
                f"{at_line(line)} waits for a connection again, after there was none for "
                f"{in_seconds(patience)}. A full pool isn't a lost connection: which `except` "
                "takes it for one?",
            )
    return None


def _first_use(case: Case, exchange: Exchange) -> int:
    """The tick at which an exchange had its connection, or else at which it was over."""
    statements = statements_of(case, case.got, exchange)
    over = exchange.returned
    return statements[0].start.tick if statements else over.tick if over else case.got.ended


@rule("place-lost", *TURNS)
def place_lost(case: Case) -> Finding | None:
    """A place that was taken is never given back.

    When work fails, or its client is cancelled, the line that gives the place back is skipped.
    From then on there is one place less, until none is left.

    Instead: `async with semaphore:` around the work, or `finally: semaphore.release()`. An
    `except Exception` doesn't see a cancellation.
    """
    if _refuses_with_room(case.expected):
        return None  # not for want of places
    for ours, theirs in case.exchanges():
        if not _waits_in_vain(case, ours, theirs):
            continue
        over = ours.completed.tick if ours.completed else case.got.ended
        for call in sorted(case.got.calls(), key=lambda span: span.end):
            is_before = call.end.tick < over and call.exchange not in (None, ours.number)
            if call.how in ("failed", "cancelled") and is_before and _has_room(case, call, over):
                line = case.call_line(call)
                return Finding(
                    line,
                    f"{call.name}{of_line(line)} {_ends(call)}, and its place is not given back: "
                    f"another request {'gets no turn' if ours.status is None else 'is refused'}, "
                    "though fewer calls are under way than could be. "
                    "What gives it back, however the call ends?",
                )
    return None


def _ends(call: Span) -> str:
    return "is cancelled" if call.how == "cancelled" else "fails"


def _waits_in_vain(case: Case, ours: Exchange, theirs: Exchange) -> bool:
    """Whether a request gets no turn that should get one."""
    name = _called(case.expected, theirs)
    gets_none = ours.status is None or ours.status in REFUSALS
    return name is not None and gets_none and not calls_of(case.got, ours.number, name)


def _called(trace: Trace, exchange: Exchange) -> str | None:
    return next((call.name for call in calls_of(trace, exchange.number)), None)


def _has_room(case: Case, lost: Span, at: int) -> bool:
    """Whether fewer calls are under way at a tick than the reference has at once."""
    most = most_at_once(case.expected.calls(lost.name))
    return most > 1 and len(_under_way(case.got, lost.name, at)) < most


def _under_way(trace: Trace, name: str, at: int) -> list[Span]:
    return [call for call in trace.calls(name) if call.start.tick < at <= call.end.tick]


def _refuses_with_room(trace: Trace) -> bool:
    """Whether requests are refused while fewer calls are under way than there may be."""
    names = {call.name for call in trace.calls()}
    most = {name: most_at_once(trace.calls(name)) for name in names}
    refused = [e.responded.tick for e in trace.exchanges if e.status in REFUSALS and e.responded]
    return any(
        len(_under_way(trace, name, at)) < count for at in refused for name, count in most.items()
    )


@rule("too-few-at-once", *TURNS)
def too_few_places(case: Case) -> Finding | None:
    """Finds it where requests wait for a place, and more of them could have one."""
    for name in dict.fromkeys(call.name for call in case.expected.calls()):
        mine, most = most_at_once(case.got.calls(name)), most_at_once(case.expected.calls(name))
        if not 1 < mine < most:
            continue
        for exchange in case.got.exchanges:
            waits = [wait for wait in case.waits(exchange.number) if wait.seconds]
            others = _under_way(case.got, name, waits[0].start.tick + 1) if waits else []
            is_one = any(call.exchange == exchange.number for call in others)
            if len(others) == mine and not is_one:
                return Finding(
                    waits[0].line,
                    f"{at_line(waits[0].line)} keeps a request waiting while {mine} {name} are "
                    f"under way, where {most} could be. How many places are there?",
                )
    return None


@rule("refused-needlessly", *TURNS)
def refused_needlessly(case: Case) -> Finding | None:
    """A request is refused that should be let in.

    A breaker that opens too soon, or stays open, and a line that counts those who have left,
    keep out clients that could be served. The app looks broken although nothing is.

    Instead: follow the count: what adds to it, what takes away, and does that also happen when
    a call fails, or its client is cancelled?
    """
    for ours, theirs in case.exchanges():
        if ours.status not in REFUSALS or theirs.status in REFUSALS:
            continue
        if _waits_in_vain(case, ours, theirs):
            at = in_seconds(ours.started.tick - case.got.opened)
            return Finding(
                ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)}, sent at {at}, is refused with "
                f"{ours.status}, and should be let in. What refuses it, and since when?",
            )
    return None


@rule("refused-needlessly", *TURNS)
def refused_too_soon(case: Case) -> Finding | None:
    """Finds it where a request may wait for its turn, and is refused before that."""
    for ours, theirs in case.exchanges():
        took, should = done(ours), done(theirs)
        if not (ours.status == theirs.status and ours.status in REFUSALS):
            continue
        if took is not None and should is not None and took < should:
            when = f"after {in_seconds(took)}" if took else "at once"
            return Finding(
                ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)} is refused with {ours.status} "
                f"{when}, and should wait for its turn for {in_seconds(should)} first. How many "
                "may wait, and for how long?",
            )
    return None


@rule("out-of-turn", *TURNS)
def out_of_turn(case: Case) -> Finding | None:
    """A request that came later is served before one that came first.

    The first in line waits longest, and with many behind it perhaps for ever.

    Instead: let one thing that is fair keep the order, such as an `asyncio.Semaphore` or an
    `asyncio.Queue`. A request that sleeps and looks again may be overtaken each time.
    """
    mine, should = _turns(case.got), _turns(case.expected)
    if should != sorted(should) or len(should) < 2 or mine == sorted(mine):
        return None
    for place, number in enumerate(mine):
        overtaken = [other for other in mine[place + 1 :] if other < number]
        first = min(overtaken, default=None)
        if first is not None:
            call = calls_of(case.got, number)[0]
            line = case.call_line(call)
            return Finding(
                line,
                f"{at_line(line)} calls {call.name} for request {number + 1} before request "
                f"{first + 1}, which came earlier and is still waiting. What keeps the order in "
                "which they came?",
            )
    return None


def _turns(trace: Trace) -> list[int]:
    """The exchanges in the order in which their first calls began."""
    first: dict[int, Span] = {}
    for call in sorted(trace.calls(), key=lambda span: span.start):
        if call.exchange is not None and call.seconds:
            first.setdefault(call.exchange, call)
    starts = [span.start.tick for span in first.values()]
    return list(first) if len(set(starts)) == len(starts) else []


@rule("failure-kept", "status", "body", "calls")
def failure_kept(case: Case) -> Finding | None:
    """A failure is kept, and told to those who ask later.

    The service may be well again, and nobody asks it.

    Instead: keep what is good. When a call fails, tell those who wait for it, and forget it.
    """
    for ours, theirs in case.exchanges():
        name = _called(case.expected, theirs)
        if ours.status == theirs.status or not (ours.status or 0) >= 500 or name is None:
            continue
        if ours.status in REFUSALS:
            continue  # it says that there is no room, and not what the call said
        if calls_of(case.got, ours.number, name):
            continue
        failed = [call for call in case.got.calls(name) if call.how == "failed"]
        if any(_same(case, call, ours) for call in failed):
            return Finding(
                ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)}, sent at "
                f"{in_seconds(ours.started.tick - case.got.opened)}, is answered with the failure "
                f"of an earlier {name}, and {name} isn't called again. Where is that kept?",
            )
    return None


def _same(case: Case, call: Span, ours: Exchange) -> bool:
    """Whether a call had failed before, for the same path and with the same answer."""
    if call.end.tick >= ours.started.tick:
        return False
    return any(
        (one.path, one.status, one.body) == (ours.path, ours.status, ours.body)
        for one in case.got.exchanges
        if one.started.tick <= call.end.tick
    )


@rule("answered-without-asking", "status", "body", "calls")
def told_of_another(case: Case) -> Finding | None:
    """Finds it where the answer is one that was asked for by another path."""
    for ours, theirs in case.exchanges():
        name = _called(case.expected, theirs)
        if name is None or calls_of(case.got, ours.number, name) or ours.body == theirs.body:
            continue
        for one in case.got.exchanges[: ours.number]:
            is_other = one.path != ours.path and one.body == ours.body and one.is_success
            if is_other and ours.is_success and calls_of(case.got, one.number, name):
                return Finding(
                    ours.line,
                    f"{ours.method} {ours.path}{of_line(ours.line)} is answered with what {name} "
                    f"gave for {one.path}, and {name} isn't called for it. Under which name is a "
                    "result kept, and looked for?",
                )
    return None


@rule("kept-too-long", "status", "body")
def stale_fallback(case: Case) -> Finding | None:
    """Finds it where what is kept is used because nothing better is there."""
    for ours, theirs in case.exchanges():
        calls = calls_of(case.got, ours.number)
        if not ours.is_success or (theirs.status or 0) < 500 or not calls:
            continue
        if any(call.how == "done" for call in calls):
            continue
        kept = next((one for one in _good_before(case, ours) if _share(one, ours)), None)
        if kept is not None:
            sent, before = (e.started.tick - case.got.opened for e in (ours, kept))
            return Finding(
                ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)}, sent at {in_seconds(sent)}, is "
                f"answered with what was there at {in_seconds(before)}. It should be refused: "
                "how long is that good, and for how many is it kept?",
            )
    return None


def _good_before(case: Case, exchange: Exchange) -> list[Exchange]:
    """The earlier answers of the same path that should be as good as they look."""
    return [
        ours
        for ours, theirs in case.exchanges()
        if ours.number < exchange.number and ours.path == exchange.path and theirs.is_success
    ]


def _share(one: Exchange, other: Exchange) -> bool:
    """Whether two answers have an object or a list in common: single words may be alike."""
    mine, its = one.json(), other.json()
    if not isinstance(mine, dict) or not isinstance(its, dict):
        return False
    parts = [value for value in mine.values() if value and isinstance(value, dict | list)]
    return any(part in its.values() for part in parts)


@rule("failure-unsaid", "status", "body")
def fallback_unsaid(case: Case) -> Finding | None:
    """Finds it where the answer has a fallback in it, and looks as if nothing had failed."""
    for ours, theirs in case.exchanges():
        failed = [call for call in calls_of(case.got, ours.number) if call.how != "done"]
        mine, its = ours.json(), theirs.json()
        if not failed or not isinstance(mine, dict) or not isinstance(its, dict):
            continue
        if _lost(case.got, ours) != _lost(case.expected, theirs):
            continue  # another call should have been lost as well, and its part shows that
        good = [one for one in _good_before(case, ours) if _all_done(case, one)]
        for key, value in mine.items():
            is_usual = any(
                _of(one, key) == value and _of(case.expected.exchanges[one.number], key) != its[key]
                for one in good
                if key in its
            )
            if key in its and its[key] != value and (is_usual or value == failed[0].name):
                line = case.call_line(failed[0])
                return Finding(
                    line,
                    f"{failed[0].name}{of_line(line)} {_ends(failed[0])}, and the answer still has "
                    f"{shortened(as_text(value), 40)} under {key!r}, as if it had not. How does a "
                    "client see that this is a fallback?",
                )
    return None


def _lost(trace: Trace, exchange: Exchange) -> set[str]:
    return {call.name for call in calls_of(trace, exchange.number) if call.how != "done"}


def _of(exchange: Exchange, key: str) -> Any:
    body = exchange.json()
    return body.get(key) if isinstance(body, dict) else None


def _all_done(case: Case, exchange: Exchange) -> bool:
    return all(call.how == "done" for call in calls_of(case.got, exchange.number))
