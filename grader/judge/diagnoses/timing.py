"""Answers at other moments than they should come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import msgspec

from ...report import Diagnosis
from ...scenario import Scenario
from ...trace import Exchange, Span
from .case import Case, at_line, calls_of, done, in_seconds, lines_in_words, overlap

ANYIO_THREADS = 40


def loop_blocked(case: Case) -> Iterable[Diagnosis]:
    blocked = case.incidents("loop-blocked")
    if not blocked:
        return
    worst = max(blocked, key=lambda incident: (incident.seconds, -incident.at.tick))
    what = f"({worst.detail}) " if worst.detail not in ("computing", "") else ""
    how_long = f" for {worst.seconds:g} s" if worst.seconds else ""
    yield Diagnosis(
        "loop-blocked",
        worst.line,
        f"{at_line(worst.line)} {what}blocks the event loop{how_long}: meanwhile no other request "
        "gets on, whatever it waits for. In async code only an `await` lets others run.",
    )


def thread_pool_exhausted(case: Case) -> Iterable[Diagnosis]:
    slept = [span for span in case.got.spans if span.kind == "thread"]
    if len(slept) < ANYIO_THREADS or not case.expects_time():
        return
    most = max(sum(overlap(one, other) for other in slept) for one in slept[:3])
    waited = [s for s in slept if s.start.tick > case.got.exchanges[s.exchange or 0].started.tick]
    if waited:
        line = case.wait_line(slept[0])
        yield Diagnosis(
            "thread-pool-exhausted",
            line,
            f"{at_line(line)} sleeps in a worker thread, and there are only {most} of those: "
            f"{len(waited)} requests had to wait for a thread before they could even begin. "
            "A wait in async code needs no thread.",
        )


def awaited_in_turn(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        got = calls_of(case.got, ours.number)
        expected = {s.name: s for s in calls_of(case.expected, theirs.number)}
        in_turn = [
            (one, other)
            for one, other in pairwise(got)
            if one.name in expected
            and other.name in expected
            and one.name != other.name
            and overlap(expected[one.name], expected[other.name])
            and one.end.tick <= other.start.tick
            and one.seconds
        ]
        if in_turn and not _resource_calls(got):
            spans = list(dict.fromkeys(id(s) for pair in in_turn for s in pair))
            members = [s for s in got if id(s) in spans]
            lines = [case.wait_line(span) for span in members]
            names = ", ".join(span.name for span in members)
            yield Diagnosis(
                "awaited-in-turn",
                lines[0],
                f"{lines_in_words(lines)} {'wait' if len(set(lines)) > 1 else 'waits'} for each "
                f"call ({names}) to end before the next one starts. None of them needs the "
                "answer of another: they could all be under way at once.",
            )
            return


def _resource_calls(spans: list[Span]) -> bool:
    return any(span.resource is not None for span in spans)


def _cut_short(case: Case) -> Iterator[tuple[Exchange, Exchange, Span, Span | None]]:
    """The calls that the reference cancels in time, with the learner's own of that name."""
    for ours, theirs in case.exchanges():
        for span in calls_of(case.expected, theirs.number):
            timed_out = theirs.hung_up is None and not case.scenario.requests[0].cancelled_at
            if span.how == "cancelled" and timed_out and _by_timeout(theirs, span):
                yield ours, theirs, span, next(iter(calls_of(case.got, ours.number, span.name)), None)


def _by_timeout(exchange: Exchange, span: Span) -> bool:
    return exchange.completed is not None and exchange.status == 504 and span.seconds > 0


def no_timeout(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs, should, does in _cut_short(case):
        ran_on = does is not None and does.how != "cancelled" and does.seconds > should.seconds
        if does is not None and ran_on and _waited_for(ours, does):
            line = case.wait_line(does)
            limit = in_seconds(done(theirs) or 0)
            if _swallowed_by_own_code(case, ours, should):
                return
            yield Diagnosis(
                "no-timeout",
                line,
                f"{at_line(line)} waits for {does.name} as long as it takes: "
                f"{does.seconds:g} s here, where {limit} is the most. Nothing puts an end to it.",
            )
            return


def _waited_for(exchange: Exchange, call: Span) -> bool:
    return exchange.completed is None or exchange.completed.tick >= call.end.tick


def _swallowed_by_own_code(case: Case, exchange: Exchange, should: Span) -> bool:
    """Whether one of the learner's own waits was cancelled when the time was up."""
    return any(
        span.kind == "wait"
        and span.exchange == exchange.number
        and span.how == "cancelled"
        and exchange.completed is not None
        and span.end.tick < exchange.completed.tick
        for span in case.got.spans
    )


def wrong_timeout(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs, should, does in _cut_short(case):
        took, limit = done(ours), done(theirs)
        if does is None or took is None or limit is None or took == limit:
            continue
        if does.how == "cancelled" or ours.status == 504:
            late = took > limit
            line = case.wait_line(does)
            yield Diagnosis(
                "late-timeout" if late else "early-timeout",
                line,
                f"The answer comes after {in_seconds(took)}, and {in_seconds(limit)} was the "
                f"time to give up. {at_line(line)} gives up too {'late' if late else 'early'}: "
                "when does its time begin, and how long is it?",
            )
            return


def not_cancelled(case: Case) -> Iterable[Diagnosis]:
    for ours, _, _, does in _cut_short(case):
        answered = ours.completed
        if does is None or answered is None or does.end.tick <= answered.tick:
            continue
        line = case.wait_line(does)
        yield Diagnosis(
            "not-cancelled",
            line,
            f"The answer is out, but {does.name} (line {line}) goes on for another "
            f"{in_seconds(does.end.tick - answered.tick)}. You stopped waiting for it, and "
            "nobody told it to stop.",
        )
        return


def cancellation_swallowed(case: Case) -> Iterable[Diagnosis]:
    for ours, _, _, does in _cut_short(case):
        if does is None or ours.status in (None, 504) or ours.status == 502 and does.how == "failed":
            continue
        if does.how == "cancelled" or _swallowed_by_own_code(case, ours, does):
            line = _line_cancelled(case, ours) or case.wait_line(does)
            yield Diagnosis(
                "cancellation-swallowed",
                line,
                f"The time was up and the wait at line {line} was cancelled, but your code "
                "caught the CancelledError and went on as if nothing had happened. It is how "
                "a timeout stops you: clean up if you must, then let it through.",
            )
            return


def _line_cancelled(case: Case, exchange: Exchange) -> int | None:
    waits = (
        span.line
        for span in case.got.spans
        if span.kind == "wait" and span.how == "cancelled" and span.exchange == exchange.number
    )
    return next(waits, None)


def serialized(case: Case) -> Iterable[Diagnosis]:
    """Each request alone is as fast as it should be; together they wait for each other."""
    alone = one_by_one(case.scenario)
    if alone is None or not case.expects_time():
        return
    got, expected = case.replay(alone)
    apart = zip(got.exchanges, expected.exchanges, strict=False)
    if got.outcome.kind == "finished" and all(done(a) == done(b) for a, b in apart):
        line = _longest_wait(case)
        yield Diagnosis(
            "serialized",
            line,
            f"Each request by itself is answered in time, but together they wait for each other"
            f"{f' at line {line}' if line else ''}. What do they share that only one can have?",
        )


def _longest_wait(case: Case) -> int | None:
    waits = [s for s in case.got.spans if s.kind == "wait" and s.name not in ("sleep", "")]
    return max(waits, key=lambda s: s.seconds).line if waits else None


def one_by_one(scenario: Scenario) -> Scenario | None:
    """The same requests far apart; None if they do not come together in the first place."""
    moments = [request.at for request in scenario.requests]
    if len(moments) < 2 or max(moments) - min(moments) > 50:
        return None
    apart = tuple(
        msgspec.structs.replace(request, at=60.0 * number)
        for number, request in enumerate(scenario.requests[:8])
    )
    return msgspec.structs.replace(scenario, requests=apart, order_seed=None, horizon=1200.0)
