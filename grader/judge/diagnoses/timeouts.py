"""Time limits: none, the wrong one, or one that doesn't stop what it should.

These rules know that the reference *cancelled a call* when its time was up, whatever it
answered then.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ...model.scenarios import InTurn, Scenario, Takes
from ...model.trace import AROUND, Exchange, Span
from ..aspects.answers import done
from .case import Case, at_line, calls_of, ends_with_a_row, in_seconds, of_line
from .registry import Finding, rule

LIMITS = ("elapsed", "pauses", "status", "body", "call-endings", "calls", "left-running")
"""Aspects in which it shows that something takes too long, or is cut off."""

_FOR_EVER = 5_000.0
_FEW_SPANS = 100


def _cut_short(case: Case) -> Iterator[tuple[Exchange, Exchange, Span, Span]]:
    """The calls that the reference cancels by itself, with the learner's own of that name.

    Of a request that the client leaves or the server cancels it is not the reference that does.
    Nor does a limit cut off a call that is cancelled because another one has failed.
    """
    for ours, theirs in case.exchanges():
        if theirs.hung_up is not None or case.is_cancelled(theirs):
            continue
        calls = calls_of(case.expected, theirs.number)
        failures = {call.end.tick for call in calls if call.how == "failed"}
        for span in calls:
            if span.how != "cancelled" or not span.seconds or span.end.tick in failures:
                continue
            mine = calls_of(case.got, ours.number, span.name)
            place = [call for call in calls if call.name == span.name].index(span)
            if mine:
                yield ours, theirs, span, mine[min(place, len(mine) - 1)]


@rule("no-timeout", *LIMITS)
def no_timeout(case: Case) -> Finding | None:
    """A wait has no limit, or one that is far too long.

    Another service may take for ever. Without a limit your request waits as long, and keeps what
    it holds, though its client has left long before.

    Instead: `async with asyncio.timeout(2):` around the call. It counts in seconds, and cancels
    what is inside when they are over.
    """
    for ours, theirs, should, does in _cut_short(case):
        waited = ours.completed is None or ours.completed.tick >= does.end.tick
        if does.how == "cancelled" or does.seconds <= should.seconds or not waited:
            continue
        wait = case.longest_wait(ours.number)
        line = wait.line if wait else case.call_line(does)
        most = done(theirs) or 0
        limit = _limit(case, ours.number, does) if _shows_its_limit(case, does, wait) else 0
        if limit is not None and 0 < limit <= most:
            continue  # the limit is right, and something else keeps it from being kept
        return Finding(
            line,
            f"{at_line(line)} waits for {does.name} "
            f"{'too long' if limit else 'as long as it takes'}: {does.seconds:g} s here, where "
            f"{in_seconds(most)} is the most. {_about_limit(limit, most)}",
        )
    return None


def _about_limit(limit: int | None, most: int) -> str:
    if limit is None:
        return "Nothing puts an end to it."
    if not limit:
        return "No limit ends it by then."
    unit = " In which unit is a limit counted?" if limit >= 100 * most else ""
    return f"There is a limit, and it is {in_seconds(limit)}.{unit}"


def _shows_its_limit(case: Case, call: Span, wait: Span | None) -> bool:
    """Whether the code can be played with a call that takes an hour.

    Code that looks again and again would be taken for an endless loop in so long a time, and
    nothing else of it would be played.
    """
    known = isinstance(case.scenario.collaborators.get(call.name), Takes | InTurn)
    plain = wait is not None and wait.seconds >= call.seconds
    spans = [span for span in case.got.spans if span.kind not in AROUND]
    return known and plain and len(spans) <= _FEW_SPANS


def _limit(case: Case, exchange: int, call: Span) -> int | None:
    """The ticks after which the learner's code does give up a call that takes for ever.

    None if it never does, 0 if that is not known.
    """
    got, _ = case.replay(_endless(case.scenario, exchange, call.name))
    if got.outcome.kind != "finished":
        return 0
    calls = calls_of(got, 0, call.name)
    is_cut = bool(calls) and calls[-1].how == "cancelled"
    return done(got.exchanges[0]) if is_cut else None


def _endless(scenario: Scenario, exchange: int, name: str) -> Scenario:
    """One of the requests alone, with a call that takes longer than any limit in reason."""
    alone = msgspec.structs.replace(scenario.requests[exchange], at=0.0)
    return msgspec.structs.replace(
        scenario,
        requests=(alone,),
        collaborators={**scenario.collaborators, name: Takes(_FOR_EVER)},
        time_limit=2 * _FOR_EVER,
    )


@rule("late-timeout", *LIMITS)
def late_timeout(case: Case) -> Finding | None:
    """The limit is there, and longer than it should be.

    A limit around each try gives three tries three times as long. A limit that starts over with
    each call never sees the whole.

    Instead: one `asyncio.timeout` around all that may take so long together.
    """
    return next(_ended_by_limit(case, late=True), None)


@rule("early-timeout", *LIMITS)
def early_timeout(case: Case) -> Finding | None:
    """A call is given up that would have been answered in time.

    A limit that is too short turns slow answers into errors, and the work was for nothing.

    Instead: take the limit from what the client can wait for, and let it begin where the wait
    begins.
    """
    return next(_ended_by_limit(case, late=False), None)


def _ended_by_limit(case: Case, late: bool) -> Iterator[Finding]:
    for ours, theirs, should, does in _cut_short(case):
        took, limit = done(ours), done(theirs)
        if _is_cut_by_its_own_limit(case, theirs, should):
            took, limit = (span.end.tick - span.start.tick for span in (does, should))
        if took is None or limit is None or took == limit or does.how != "cancelled":
            continue
        if len(calls_of(case.got, ours.number, does.name)) == 1 and does.seconds == should.seconds:
            continue  # it is given up in time, and something else comes before or after it
        if (took > limit) == late:
            wait = case.longest_wait(ours.number)
            line = wait.line if wait else case.call_line(does)
            yield Finding(
                line,
                f"{at_line(line)} gives up after {in_seconds(took)}, and {in_seconds(limit)} is "
                f"the time to give up: that is too {'late' if late else 'early'}. When does its "
                "time begin, and how long is it?",
            )


def _is_cut_by_its_own_limit(case: Case, exchange: Exchange, call: Span) -> bool:
    """Whether each of several tries has a limit, and it was not one of all together that cut it."""
    tries = calls_of(case.expected, exchange.number, call.name)
    cut = [one.seconds for one in tries if one.how == "cancelled"]
    return len(tries) > 1 and call.seconds == max(cut)


@rule("early-timeout", *LIMITS, "lines", "arguments")
def needless_timeout(case: Case) -> Finding | None:
    """Finds it where the reference does not give up at all, and no other call had failed."""
    for ours, theirs in case.exchanges():
        should = {s.name: s for s in calls_of(case.expected, theirs.number)}
        if ours.hung_up is not None:
            continue
        for does in calls_of(case.got, ours.number):
            other = should.get(does.name)
            if other is not None and _is_given_up(case, ours, theirs, does, other):
                wait = case.longest_wait(ours.number) if _outlives(does, ours) else None
                line = wait.line if wait else case.wait_line(does)
                waited = min(does.seconds, ours.elapsed or 0.0)
                when = _when_another_ends(case, ours, does)
                ask = "What ends the wait for it?" if when else "How long may it take?"
                return Finding(
                    line,
                    f"{at_line(line)} gives up {does.name} after {waited:g} s{when}. It would have "
                    f"been there after {other.seconds:g} s. {ask}",
                )
    return None


def _when_another_ends(case: Case, ours: Exchange, does: Span) -> str:
    """That it isn't time that ends a wait, but another call whose result is there."""
    left = _left_at(does, ours)
    for call in calls_of(case.got, ours.number):
        if call.how == "done" and call.end.tick == left and call.name != does.name:
            return f", when {call.name} is done"
    return ""


def _is_given_up(case: Case, ours: Exchange, theirs: Exchange, does: Span, other: Span) -> bool:
    """Whether a call that the reference waits for was cut off, and for no other reason."""
    cut = does.how == "cancelled" or _outlives(does, ours)
    if other.how != "done" or _outlives(other, theirs) or not cut:
        return False
    if _fails_at(case, _left_at(does, ours)) or _stops_at_a_row(case, does, ours):
        return False  # it was cancelled because another failed, or when it had given enough
    return 0 < min(does.seconds, ours.elapsed or 0.0) < other.seconds


def _stops_at_a_row(case: Case, call: Span, exchange: Exchange) -> bool:
    """Whether a generator is closed in the moment in which it has given a row."""
    is_sent = any(line.at.tick == call.end.tick for line in exchange.lines())
    return call.count > 0 and (is_sent or ends_with_a_row(case, call))


def _left_at(call: Span, exchange: Exchange) -> int:
    """The tick at which the answer did not wait for a call any longer."""
    answered = exchange.completed
    return min(call.end.tick, answered.tick) if answered is not None else call.end.tick


def _outlives(call: Span, exchange: Exchange) -> bool:
    return exchange.completed is not None and call.end.tick > exchange.completed.tick


def _fails_at(case: Case, tick: int) -> bool:
    return any(call.how == "failed" and call.end.tick == tick for call in case.got.calls())


@rule("not-cancelled", *LIMITS)
def not_cancelled(case: Case) -> Finding | None:
    """A call goes on after its time is up and its answer isn't wanted any more.

    To stop waiting doesn't stop the work: `asyncio.wait` with a timeout leaves its tasks
    running, `shield` is made to. They hold connections and memory, and do what nobody needs.

    Instead: `asyncio.timeout` and `wait_for` cancel what they wait for. A task that you have
    made is stopped by `task.cancel()`.
    """
    for ours, _, _, does in _cut_short(case):
        answered = ours.completed
        if answered is not None and does.end.tick > answered.tick:
            line = case.call_line(does)
            return Finding(
                line,
                f"{does.name}{of_line(line)} goes on for another "
                f"{in_seconds(does.end.tick - answered.tick)} after the answer is out. Your code "
                "stopped waiting for it, and nothing told it to stop.",
            )
    return None


@rule("cancellation-swallowed", *LIMITS, "cancellation")
def cancellation_swallowed(case: Case) -> Finding | None:
    """The code was cancelled, caught that, and went on.

    Cancellation comes as an exception, `CancelledError`, at the `await` where a task waits: when
    a timeout is over, a client leaves, the server stops. `except BaseException` and a bare
    `except:` catch it, too. Then the timeout doesn't end anything, and the server waits.

    Instead: catch `Exception`. Clean up in `finally`; if you do catch `CancelledError`, end
    with `raise`.
    """
    for ours, theirs, _, does in _cut_short(case):
        swallowed = [
            i for i in case.incidents("cancellation-swallowed") if i.exchange == ours.number
        ]
        took, limit = done(ours), done(theirs)
        went_on = took is not None and limit is not None and took > limit
        cut = [
            wait
            for wait in case.waits(ours.number)
            if wait.how == "cancelled" and wait.end.tick - ours.started.tick == limit
        ]
        if swallowed or (went_on and cut and ours.is_success):
            line = next((wait.line for wait in cut), None) or case.call_line(does)
            return Finding(
                line,
                f"{at_line(line)} was cancelled because its time was up, and your code caught the "
                "CancelledError and went on. A timeout ends your code by that error: clean up, "
                "then let it through.",
            )
    return None
