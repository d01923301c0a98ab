"""Answers at other moments than they should come: what waits for what, and what blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

from ...model.scenarios import InTurn
from ...model.trace import Ending, Exchange, Incident, Span, SpanKind, Trace, to_ticks
from ..aspects.answers import done
from ..aspects.aspect import most_at_once
from .case import (
    GATES,
    OUTCOME,
    Case,
    at_line,
    at_lines,
    calls_of,
    class_waited_for,
    in_seconds,
    in_words,
    of_line,
    overlap,
    spans_for,
)
from .registry import Finding, rule
from .source import Source
from .variations import one_by_one

TIMES = ("elapsed", "lines", "events", "messages", "closes", "calls", "call-endings")
"""Aspects that show when something happened."""

MOST_NAMES = 4
"""Calls that are named."""


@rule(
    "loop-blocked", *TIMES, "pauses", "startup", "status", "work-order", "log", "resources", OUTCOME
)
def loop_blocked(case: Case) -> Finding | None:
    """Code that blocks runs on the event loop, and everything else stands still.

    The event loop runs one piece of code at a time, until that comes to an `await`. A
    `time.sleep`, a blocking driver or a long computation in an `async def` has none, so no
    other request is served meanwhile, and no timer goes off.

    Instead: await something that is made for it (`asyncio.sleep`, an async driver). What has
    no async form belongs in a thread: `await asyncio.to_thread(...)`, or an endpoint that is a
    plain `def`, which FastAPI runs in one.
    """
    blocked = case.incidents("loop-blocked")
    if not blocked or _raises(case) or not (case.is_late() or _waits_for_a_program(case, blocked)):
        return None
    worst = max(blocked, key=lambda incident: (incident.seconds, -incident.at.tick))
    called = _called_at(case, worst) or worst.detail
    what = f" ({called})" if called not in ("computing", "") else ""
    how_long = f" for {worst.seconds:g} s" if worst.seconds else ""
    return Finding(
        worst.line,
        f"{at_line(worst.line)}{what} blocks the event loop{how_long}: nothing else can run "
        "meanwhile, and every other request waits. In async code, only an `await` lets others "
        "run.",
    )


def _waits_for_a_program(case: Case, blocked: tuple[Incident, ...]) -> bool:
    """Whether one waits for another program, which takes no time on the clock."""
    calls = ("subprocess.", "os.")
    return case.expects_time() and any(each.detail.startswith(calls) for each in blocked)


def _raises(case: Case) -> bool:
    """Whether an answer differs because of an error, which is the nearer cause."""
    return case.is_about("status") and any(
        ours.raised is not None and theirs.raised is None for ours, theirs in case.exchanges()
    )


def _called_at(case: Case, blocked: Incident) -> str:
    """The collaborator that the line calls, as the learner knows it; the rest is ours."""
    for span in case.got.spans:
        within = span.start.tick <= blocked.at.tick <= span.end.tick
        if span.kind == "call" and within and span.line == blocked.line:
            return span.name
    return ""


@rule("thread-pool-exhausted", *TIMES)
def thread_pool_exhausted(case: Case) -> Finding | None:
    """More requests wait in worker threads than there are threads.

    FastAPI runs a plain `def` endpoint in a thread, and a server has few of them: 40, if
    nobody changes it. While all of them sleep or wait for an answer, the next request waits
    for a thread before its code even begins.

    Instead: make the endpoint `async def` and await what it waits for. A wait needs no thread
    then, and thousands can be under way. Keep threads for code that has no async form.
    """
    slept = [span for span in case.got.spans if span.kind == "thread"]
    if len(slept) < case.scenario.threads or not case.expects_time():
        return None
    most = max(sum(overlap(one, other) for other in slept) for one in slept[:3])
    began = {exchange.number: exchange.started.tick for exchange in case.got.exchanges}
    waited = [s for s in slept if s.start.tick > began.get(s.exchange or 0, s.start.tick)]
    if not waited:
        return None
    line = case.call_line(slept[0])
    return Finding(
        line,
        f"{at_line(line)} sleeps in a worker thread, and there are only {most} of those: "
        f"{len(waited)} requests had to wait for a thread before they could even begin. "
        "A wait in async code needs no thread.",
    )


@rule("awaited-in-turn", *TIMES, "body")
def awaited_in_turn(case: Case) -> Finding | None:
    """Calls that don't need each other wait for each other.

    `await fetch()` goes on to the next line when the fetch is over. Three awaits in a row take
    as long as all three together, though none of them needs the answer of another.

    Instead: start them all, then wait for all of them: with `asyncio.TaskGroup` and
    `create_task`, or with `asyncio.gather`. Together they take as long as the slowest.
    """
    for ours, theirs in case.exchanges():
        should = calls_of(case.expected, theirs.number)
        got = _not_repeated(calls_of(case.got, ours.number), should)
        belong = _Together(got, should)
        in_turn = [
            (one, other)
            for one, other in combinations(got, 2)
            if one.end.tick <= other.start.tick and one.seconds and belong(one.name, other.name)
        ]
        if not in_turn or any(span.resource is not None for span in got):
            continue
        if case.is_about("elapsed", "lines", "calls", "call-endings") or _mixed_up(case, in_turn):
            members = list(dict.fromkeys(span for pair in in_turn for span in pair))
            return _about_calls_in_turn(case, sorted(members, key=lambda span: span.start), ours)
    return None


def _not_repeated(calls: list[Span], should: list[Span]) -> list[Span]:
    """The calls without those by which something is tried again."""
    left = Counter(call.name for call in should)
    first = []
    for call in calls:
        left[call.name] -= 1
        if left[call.name] >= 0:
            first.append(call)
    return first


class _Together:
    """Whether the reference has two calls of these names under way at once, in one exchange.

    Of calls of one function, only where the learner's are all in turn: others may have a limit.
    Each two names are looked at once, however many calls there are.
    """

    def __init__(self, got: list[Span], expected: list[Span]) -> None:
        self._got, self._expected = _by_name(got), _by_name(expected)
        self._known: dict[tuple[str, str], bool] = {}

    def __call__(self, one: str, other: str) -> bool:
        if (one, other) not in self._known:
            self._known[one, other] = self._are(one, other)
        return self._known[one, other]

    def _are(self, one: str, other: str) -> bool:
        if not {one, other} <= self._expected.keys():
            return False
        if one == other:
            return most_at_once(self._got[one]) == 1 < most_at_once(self._expected[one])
        return overlap(self._expected[one][-1], self._expected[other][-1])


def _by_name(calls: list[Span]) -> dict[str, list[Span]]:
    found: dict[str, list[Span]] = {}
    for call in calls:
        found.setdefault(call.name, []).append(call)
    return found


def _mixed_up(case: Case, in_turn: list[tuple[Span, Span]]) -> bool:
    """Whether requests get each other's results, because these depend on who asks first."""
    names = {span.name for pair in in_turn for span in pair}
    by_order = any(isinstance(case.scenario.collaborators.get(n), InTurn) for n in names)
    return by_order and len(case.got.exchanges) > 1


def _about_calls_in_turn(case: Case, members: list[Span], ours: Exchange) -> Finding:
    last = max(span.start.tick for span in members)
    waited = [s for s in members if s.end.tick <= last or not _has_company(s, members)]
    lines = [case.wait_line(span) for span in waited]
    return Finding(
        lines[0],
        f"{at_lines(lines, 'wait')} for one call to end before "
        f"the next one starts: {_in_order(members)}. None of them needs the answer of another, so "
        "all of them could be under way at once."
        f"{_why_in_turn(case, members, lines, ours)}",
    )


def _has_company(call: Span, members: list[Span]) -> bool:
    return any(overlap(call, other) for other in members if other is not call)


def _in_order(members: list[Span]) -> str:
    """The names of calls in the order of their starts, those that begin together as one."""
    names = list(dict.fromkeys(span.name for span in members))
    first = {span.name: span for span in reversed(members)}
    steps: list[list[str]] = []
    for name in names[:MOST_NAMES]:
        if steps and overlap(first[steps[-1][0]], first[name]):
            steps[-1].append(name)
        else:
            steps.append([name])
    more = f", and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", then ".join(map(in_words, steps)) + more


def _why_in_turn(case: Case, members: list[Span], lines: list[int | None], ours: Exchange) -> str:
    """Why they go one after the other, if the file or the trace shows it."""
    source = Source(case.source)
    gates = [w for w in case.waits(ours.number) if class_waited_for(w) in GATES and w.seconds]
    if gates:
        names = {call.name for call in calls_of(case.got, ours.number)}
        most = most_at_once([call for call in case.got.calls() if call.name in names])
        few = "one" if most == 1 else f"{most}"
        return f" Line {gates[0].line} lets only {few} of them in at a time ({gates[0].name})."
    if source.has_dependencies(ours.line) and len({call.task for call in members}) == 1:
        return (
            " They are dependencies of the request, and FastAPI solves those one after the other."
        )
    if source.awaits_at(lines[0]) > 1:
        return f" Each of the {source.awaits_at(lines[0])} awaits on it waits for its own call."
    if len(set(lines)) == 1 and source.is_in_loop(lines[0]):
        return " The loop goes to its next round only when the call is over."
    return ""


@rule("serialized", *TIMES, general=True)
def serialized(case: Case) -> Finding | None:
    """Requests wait for each other, though each by itself is fast enough.

    Something that only one of them can have at a time is around a wait: a lock, a
    semaphore, a queue with one worker. While one request waits inside it, all others wait
    outside.

    Instead: hold a lock only around what really must not happen twice at once, and never
    around a slow call. If all that you want is a limit, say how many may enter: a
    `Semaphore(10)`.
    """
    alone = one_by_one(case.scenario)
    if alone is None or not any(_is_later(ours, theirs) for ours, theirs in case.exchanges()):
        return None
    got, expected = case.replay(alone)
    apart = zip(got.exchanges, expected.exchanges, strict=False)
    if got.outcome.kind != "finished" or any(done(a) != done(b) for a, b in apart):
        return None
    line = _idle_wait_line(case)
    where = f" at line {line}" if line else ""
    return Finding(
        line,
        f"Requests wait for each other{where}: each by itself is answered in time, but "
        "together they are too slow. What do they share that only some of them can have at once?",
    )


def _is_later(ours: Exchange, theirs: Exchange) -> bool:
    took, should = done(ours), done(theirs)
    return should is not None and (took is None or took > should)


def _idle_wait_line(case: Case) -> int | None:
    """Where a request waits longest that is late; best while it makes no call of its own."""
    late = (ours for ours, theirs in case.exchanges() if _is_later(ours, theirs))
    waits = [w for e in late for w in case.waits(e.number) if w.name not in ("sleep", "")]
    idle = [wait for wait in waits if not _is_at_work(case, wait)]
    return max(idle or waits, key=lambda wait: wait.seconds).line if waits else None


def _is_at_work(case: Case, wait: Span) -> bool:
    """Whether a call or a statement of the same request goes on during a wait."""
    works = (s for s in spans_for(case.got, wait.exchange) if s.kind in _WORKS)
    return any(overlap(work, wait) for work in works)


_WORKS: tuple[SpanKind, ...] = ("call", "thread", "blocked", "statement", "request")


@rule("out-of-order", "order")
def out_of_order(case: Case) -> Finding | None:
    """Calls whose order matters are under way at once.

    `gather` gives its results in order, but the calls end in any order: the third row may be
    stored before the first. If one of them fails, the others are done all the same.

    Instead: `await` one after the other, in a loop, where the order matters.
    """
    for name in case.scenario.collaborators:
        mine, should = case.got.calls(name), case.expected.calls(name)
        if most_at_once(mine) > 1 == most_at_once(should):
            line = case.call_line(mine[1])
            return Finding(
                line,
                f"{at_line(line)} calls {name} while an earlier call of it is under way. Which of "
                "them is over first depends on how long each takes, and the order matters here.",
            )
    return None


@rule("answered-without-asking", "elapsed", "calls", "lines", "arguments", general=True)
def answered_without_asking(case: Case) -> Finding | None:
    """A request is answered with the result of an earlier one.

    A cache that nothing ever empties gives the first answer for ever: to other people, and
    when it has long been out of date.

    Instead: ask for each request. If you do cache, say for how long an answer is good, and
    keep one for each different question.
    """
    return _kept(case, list(case.exchanges()))


@rule("answered-without-asking", "elapsed", "calls", "lines", "arguments")
def kept_for_one_alone(case: Case) -> Finding | None:
    """Finds it where no other request is there that could be in the way."""
    if case.depends_on_time():
        return None  # who asks is not told by the request alone
    return _kept(case, [pair for pair in case.exchanges() if _is_alone(case.got, pair[0])])


def _is_alone(trace: Trace, exchange: Exchange) -> bool:
    others = (other for other in trace.exchanges if other is not exchange)
    return all(_is_before(exchange, other) or _is_before(other, exchange) for other in others)


def _is_before(one: Exchange, other: Exchange) -> bool:
    return one.returned is not None and one.returned < other.started


def _kept(case: Case, pairs: list[tuple[Exchange, Exchange]]) -> Finding | None:
    for ours, theirs in pairs:
        should, made = (_ends_of(*one) for one in ((case.expected, theirs), (case.got, ours)))
        if any(made[name] != should[name] for name in made.keys() & should.keys()):
            continue  # what it calls ends in another way, and so may all that follows
        wanted, mine = list(should), made.keys()
        earlier = {s.name for n in range(ours.number) for s in calls_of(case.got, n)}
        at_start = {s.name for s in case.got.calls() if s.end <= case.got.exchanges[0].started}
        for name in wanted:
            if name in mine or name not in earlier | at_start or ours.status != theirs.status:
                continue
            if (ours.status or 0) in range(400, 500):
                continue  # it is refused, for which nothing was kept
            who = "an earlier request called" if name in earlier else "was called at the start"
            return Finding(
                ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)} is answered without calling "
                f"{name}, which {who}: its result was kept. This request has to ask for itself.",
            )
    return None


def _ends_of(trace: Trace, exchange: Exchange) -> dict[str, Ending]:
    """How the last call of each name ends, for one exchange."""
    return {span.name: span.how for span in calls_of(trace, exchange.number)}


@rule("answered-without-asking", "elapsed", "calls", "body", "arguments")
def waits_for_the_call_of_another(case: Case) -> Finding | None:
    """Finds it where requests at the same time share one call."""
    if case.depends_on_time():
        return None
    for ours, theirs in case.exchanges():
        mine = {span.name for span in calls_of(case.got, ours.number)}
        wanted = {span.name for span in calls_of(case.expected, theirs.number)}
        shared = next((s for s in _under_way(case, ours) if s.name in wanted - mine), None)
        if shared and ours.status == theirs.status:
            line = case.longest_wait_line(ours)
            return Finding(
                line,
                f"{at_line(line)} lets {ours.method} {ours.path} wait for the call of "
                f"{shared.name} that another request has made, and makes none of its own. Each "
                "request has to ask for itself.",
            )
    return None


def _under_way(case: Case, exchange: Exchange) -> Iterator[Span]:
    """The calls for other requests that began before this one, and ended before its answer."""
    for call in case.got.calls():
        if call.exchange in (None, exchange.number) or exchange.responded is None:
            continue
        if call.start < exchange.started < call.end < exchange.responded:
            yield call


@rule("wait-too-long", OUTCOME)
def wait_too_long(case: Case) -> Finding | None:
    """A single wait is longer than anyone could have meant.

    `asyncio.sleep`, `time.sleep` and timeouts count in seconds. A number that was meant in
    milliseconds is a thousand times too much.

    Instead: `await asyncio.sleep(0.5)` for half a second.
    """
    if case.got.outcome.kind != "ran-away" or case.incidents("cancellation-swallowed"):
        return None
    waits = [s for s in case.got.spans if s.kind == "wait" and s.how == "open" and s.line]
    longest = max(waits, key=lambda wait: wait.seconds, default=None)
    if longest is None:
        return None
    # If nothing else was due before its end, the clock did not even begin to go there.
    is_alone = longest.name == "sleep" and case.got.ended < to_ticks(case.scenario.time_limit)
    is_alone = is_alone and sum(wait.line == longest.line for wait in case.got.spans) == 1
    if longest.seconds < case.scenario.time_limit / 2 and not is_alone:
        return None
    return Finding(
        longest.line,
        f"{at_line(longest.line)} ({longest.name}) waits longer than the play lasts, which is "
        f"{case.scenario.time_limit:g} s. {_what_it_waits_for(longest)}",
    )


def _what_it_waits_for(wait: Span) -> str:
    if wait.name in _TIMED:
        return "In which unit does it count?"
    return "What is it waiting for, and which line should bring that about?"


_TIMED = ("sleep", "wait_for", "wait", "timeout")
"""Waits that are given how long they last."""


@rule("wrong-time", "elapsed", "lines", general=True)
def wrong_time(case: Case) -> Finding | None:
    """An answer comes sooner or later than it should, and no rule knows why.

    The picture shows what was waited for, from when to when: what the answer of the exercise
    does is drawn beside it.

    Instead: find the first bar that is longer or shorter than the one beside it, and look at
    the line it names.
    """
    for ours, theirs in case.exchanges():
        took, should = done(ours), done(theirs)
        if took != should and took is not None and should is not None:
            longest = case.longest_wait(ours.number)
            line = longest.line if longest else ours.line
            where = f", with the longest wait at line {line}" if longest and line else ""
            return Finding(
                line,
                f"{ours.method} {ours.path} takes {in_seconds(took)}{where}. "
                f"It should take {in_seconds(should)}.",
            )
    return None
