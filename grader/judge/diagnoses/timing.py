"""Answers at other moments than they should come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

import msgspec

from ...model.report import Diagnosis
from ...model.scenarios import InTurn, Scenario, Takes
from ...model.trace import Exchange, Incident, Span
from .case import Case, at_line, calls_of, done, in_seconds, lines_in_words, overlap


def loop_blocked(case: Case) -> Iterable[Diagnosis]:
    blocked = case.incidents("loop-blocked")
    if not blocked:
        return
    worst = max(blocked, key=lambda incident: (incident.seconds, -incident.at.tick))
    called = _called_at(case, worst) or worst.detail
    what = f"({called}) " if called not in ("computing", "") else ""
    how_long = f" for {worst.seconds:g} s" if worst.seconds else ""
    yield Diagnosis(
        "loop-blocked",
        worst.line,
        f"{at_line(worst.line)} {what}blocks the event loop{how_long}: meanwhile no other request "
        "gets on, whatever it waits for. In async code only an `await` lets others run.",
    )


def _called_at(case: Case, blocked: Incident) -> str:
    """The collaborator that the line calls, as the learner knows it; the rest is ours."""
    for span in case.got.spans:
        within = span.start.tick <= blocked.at.tick <= span.end.tick
        if span.kind == "call" and within and span.line == blocked.line:
            return span.name
    return ""


def thread_pool_exhausted(case: Case) -> Iterable[Diagnosis]:
    slept = [span for span in case.got.spans if span.kind == "thread"]
    if len(slept) < case.scenario.threads or not case.expects_time():
        return
    most = max(sum(overlap(one, other) for other in slept) for one in slept[:3])
    began = {exchange.number: exchange.started.tick for exchange in case.got.exchanges}
    waited = [s for s in slept if s.start.tick > began.get(s.exchange or 0, s.start.tick)]
    if waited:
        line = case.call_line(slept[0])
        yield Diagnosis(
            "thread-pool-exhausted",
            line,
            f"{at_line(line)} sleeps in a worker thread, and there are only {most} of those here: "
            f"{len(waited)} requests had to wait for a thread before they could even begin. "
            "A wait in async code needs no thread.",
        )


def awaited_in_turn(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        got = calls_of(case.got, ours.number)
        expected = {s.name: s for s in calls_of(case.expected, theirs.number)}
        in_turn = [
            (one, other)
            for one, other in combinations(got, 2)
            if one.name in expected
            and other.name in expected
            and one.name != other.name
            and overlap(expected[one.name], expected[other.name])
            and one.end.tick <= other.start.tick
            and one.seconds
        ]
        if in_turn and not _resource_calls(got):
            members = list(dict.fromkeys(span for pair in in_turn for span in pair))
            lines = [case.wait_line(span) for span in sorted(members, key=lambda s: s.start)]
            names = ", ".join(span.name for span in members)
            yield Diagnosis(
                "awaited-in-turn",
                lines[0],
                f"{lines_in_words(lines)} {'wait' if len(set(lines)) > 1 else 'waits'} for one "
                f"call to end before the next one starts ({names}). None of them needs the "
                "answer of another: they could all be under way at once."
                f"{_who_comes_there(case, members) if len(set(lines)) == 1 else ''}",
            )
            return


def _who_comes_there(case: Case, calls: list[Span]) -> str:
    """Of a line that one task comes to again and again: what may bring it there.

    Members of a dict are gone through in a loop; nobody makes dependencies of them.
    """
    own_parameters = all(call.name in case.scenario.collaborators for call in calls)
    if not own_parameters or len({call.task for call in calls}) > 1:
        return ""
    return (
        " What brings your code back to that line: a loop, one call after the other, or the "
        "dependencies of the request, which FastAPI solves one after the other "
        "(`grade lesson day53 async-in-fastapi`)?"
    )


def _resource_calls(spans: list[Span]) -> bool:
    return any(span.resource is not None for span in spans)


def _cut_short(case: Case) -> Iterator[tuple[Exchange, Exchange, Span, Span]]:
    """The calls that the reference cancels when their time is up, with the learner's own."""
    for ours, theirs in case.exchanges():
        for span in calls_of(case.expected, theirs.number):
            mine = calls_of(case.got, ours.number, span.name)
            if mine and span.how == "cancelled" and theirs.status == 504 and span.seconds:
                yield ours, theirs, span, mine[0]


def no_timeout(case: Case) -> Iterable[Diagnosis]:
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
        yield Diagnosis(
            "no-timeout",
            line,
            f"{at_line(line)} waits for {does.name} "
            f"{'too long' if limit else 'as long as it takes'}: {does.seconds:g} s here, where "
            f"{in_seconds(most)} is the most. {_about_limit(limit, most)}",
        )
        return


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
    return known and plain and len(case.got.spans) <= _FEW_SPANS


def _limit(case: Case, exchange: int, call: Span) -> int | None:
    """The ticks after which the learner's code does give up a call that takes for ever.

    None if it never does, 0 if that is not known.
    """
    got, _ = case.replay(_endless(case.scenario, exchange, call.name))
    if got.outcome.kind != "finished":
        return 0
    cut = any(span.how == "cancelled" for span in calls_of(got, 0, call.name))
    return done(got.exchanges[0]) if cut else None


def _endless(scenario: Scenario, exchange: int, name: str) -> Scenario:
    """One of the requests alone, with a call that takes longer than any limit in reason."""
    alone = msgspec.structs.replace(scenario.requests[exchange], at=0.0)
    return msgspec.structs.replace(
        scenario,
        requests=(alone,),
        collaborators={**scenario.collaborators, name: Takes(_FOR_EVER)},
        time_limit=2 * _FOR_EVER,
    )


_FOR_EVER = 5_000.0
_FEW_SPANS = 100


def wrong_timeout(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs, _, does in _cut_short(case):
        took, limit = done(ours), done(theirs)
        if took is None or limit is None or took == limit or does.how != "cancelled":
            continue
        late = took > limit
        wait = case.longest_wait(ours.number)
        line = wait.line if wait else case.call_line(does)
        yield Diagnosis(
            "late-timeout" if late else "early-timeout",
            line,
            f"The answer comes after {in_seconds(took)}, and {in_seconds(limit)} was the "
            f"time to give up. {at_line(line)} gives up too {'late' if late else 'early'}: "
            "when does its time begin, and how long is it?",
        )
        return


def needless_timeout(case: Case) -> Iterable[Diagnosis]:
    """A call that would have come to its end was cancelled, and no other had failed."""
    for ours, theirs in case.exchanges():
        should = {s.name: s for s in calls_of(case.expected, theirs.number)}
        mine = calls_of(case.got, ours.number)
        if ours.hung_up is not None:
            continue
        for does in mine:
            other = should.get(does.name)
            if other is None or other.how != "done" or _outlives(other, theirs):
                continue
            cut = does.how == "cancelled" or _outlives(does, ours)
            if cut and (_fails_at(case, _left_at(does, ours)) or _stops_at_a_row(does, ours)):
                continue  # it was cancelled because another failed, or when it had given enough
            waited = min(does.seconds, ours.elapsed or 0.0)
            if cut and 0 < waited < other.seconds:
                wait = case.longest_wait(ours.number) if _outlives(does, ours) else None
                line = wait.line if wait else case.wait_line(does)
                yield Diagnosis(
                    "early-timeout",
                    line,
                    f"{does.name} is given up after {waited:g} s (line {line}), and would "
                    f"have been there after {other.seconds:g} s. How long may it take?",
                )
                return


def _stops_at_a_row(call: Span, exchange: Exchange) -> bool:
    return call.count > 0 and any(line.at.tick == call.end.tick for line in exchange.lines())


def _left_at(call: Span, exchange: Exchange) -> int:
    """The tick at which the answer did not wait for a call any longer."""
    answered = exchange.completed
    return min(call.end.tick, answered.tick) if answered is not None else call.end.tick


def _outlives(call: Span, exchange: Exchange) -> bool:
    return exchange.completed is not None and call.end.tick > exchange.completed.tick


def _fails_at(case: Case, tick: int) -> bool:
    return any(call.how == "failed" and call.end.tick == tick for call in case.got.calls())


def not_cancelled(case: Case) -> Iterable[Diagnosis]:
    for ours, _, _, does in _cut_short(case):
        answered = ours.completed
        if answered is None or does.end.tick <= answered.tick:
            continue
        line = case.call_line(does)
        yield Diagnosis(
            "not-cancelled",
            line,
            f"The answer is out, but {does.name} (line {line}) goes on for another "
            f"{in_seconds(does.end.tick - answered.tick)}. You stopped waiting for it, and "
            "nobody told it to stop.",
        )
        return


def cancellation_swallowed(case: Case) -> Iterable[Diagnosis]:
    """A wait was cancelled when the time was up, and the learner's code went on all the same."""
    for ours, theirs, _, does in _cut_short(case):
        told = [i for i in case.incidents("cancellation-swallowed") if i.exchange == ours.number]
        took, limit = done(ours), done(theirs)
        went_on = took is not None and limit is not None and took > limit
        cut = [
            wait
            for wait in case.waits(ours.number)
            if wait.how == "cancelled" and wait.end.tick - ours.started.tick == limit
        ]
        if told or (went_on and cut and ours.status == 200):
            line = next((wait.line for wait in cut), None) or case.call_line(does)
            yield Diagnosis(
                "cancellation-swallowed",
                line,
                f"The time was up and the wait at line {line} was cancelled, but your code "
                "caught the CancelledError and went on as if nothing had happened. It is how "
                "a timeout stops you: clean up if you must, then let it through.",
            )
            return


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
            f"{f' at line {line}' if line else ''}. What do they share that not all of them can "
            "have at once?",
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
    return msgspec.structs.replace(scenario, requests=apart, order_seed=None, time_limit=1200.0)
