"""The life of an app: what it does at its start, keeps going meanwhile, and does at its end."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

from ...model.details import CutShort
from ...model.scenarios import InTurn
from ...model.trace import Exchange, Span
from ..aspects.answers import done, ends_cancelled
from ..aspects.aspect import most_at_once, times
from ..aspects.connections import pool_openings
from .case import OUTCOME, UNHANDLED, Case, at_line, calls_of, differ, in_seconds, of_line
from .errors import errors_in, errors_of
from .registry import Finding, rule
from .relayed import about_databases, spans_of

TASKS = ("calls", "call-endings", "status", "body", "elapsed", "log", "lines")
"""Aspects in which it shows what becomes of tasks that live as long as the app."""

REFUSED = 400
"""The first status that says that a request was not answered with what it asks for."""


def _names(case: Case) -> list[str]:
    """What the reference calls, each once."""
    return list(dict.fromkeys(call.name for call in case.expected.calls()))


def _functions(case: Case) -> list[str]:
    """What the reference calls that isn't a method of something opened."""
    return [name for name in _names(case) if "." not in name]


# The start


@rule("startup-waits", "startup", OUTCOME)
def startup_waits(case: Case) -> Finding | None:
    """The app's start waits for something that could go on beside it.

    A server takes no requests before the lifespan's `yield`. What is awaited before that holds
    up the start, and if it never ends the app never starts.

    Instead: before the `yield`, only what no request can do without. Anything else is a task:
    make it there, keep it, and end it after the `yield`.
    """
    if case.aspect is None:
        is_cut = isinstance(case.got.outcome.detail, CutShort)
        if case.got.exchanges or not case.expected.exchanges or is_cut:
            return None
        if case.got.outcome.kind not in ("ran-away", "stuck") or not _waits_at_all(case):
            return None
    elif case.got.opened <= case.expected.opened or _is_blocked(case):
        return None
    opened = case.got.opened or case.got.ended
    line = _line_at_start(case, opened)
    when = f"for {in_seconds(opened)}" if case.got.opened else "for ever"
    return Finding(
        line,
        f"{at_line(line)} keeps the app from starting {when}: a server takes no requests before "
        "the lifespan comes to its `yield`. Could that go on in a task?",
    )


def _waits_at_all(case: Case) -> bool:
    """Whether the start has waited for anything: else it is a loop that never lets go."""
    return bool(case.waits(None) or case.got.calls())


def _is_blocked(case: Case) -> bool:
    return any(incident.exchange is None for incident in case.incidents("loop-blocked"))


def _line_at_start(case: Case, opened: int) -> int | None:
    """The line that the start is stuck at, or else of its longest wait, or call."""
    if case.got.outcome.kind == "stuck":
        return case.got.outcome.line
    waits = [wait for wait in case.waits(None) if wait.start.tick < opened]
    calls = [call for call in case.got.calls() if call.end.tick <= opened]
    longest = max(waits or calls, key=lambda span: span.seconds, default=None)
    return longest.line if longest else case.got.outcome.line


@rule("begun-by-request", "lifespan-order", "resources", "status", "body", "calls", "elapsed")
def begun_by_request(case: Case) -> Finding | None:
    """A request begins what belongs in the app's startup.

    The first request has to wait for it, or is refused; several that come at once begin it
    several times; and nothing ends it at shutdown.

    Instead: do it in the lifespan, before the `yield`, and let requests find what is there.
    """
    for name in _names(case):
        first = case.expected.calls(name)[0]
        mine = case.got.calls(name)
        if first.start.tick > case.expected.opened or first.exchange is not None or not mine:
            continue
        if _is_of_request(case, mine[0], first):
            line = case.call_line(mine[0])
            return Finding(
                line,
                f"{at_line(line)} calls {name} for a request"
                f"{f', {times(len(mine))} in all' if len(mine) > 1 else ''}. That belongs in the "
                "startup of the app, before any request comes.",
            )
    return None


@rule("begun-by-request", "lifespan-order")
@about_databases
def asked_by_request(case: Case) -> Finding | None:
    """Finds it where the app's start has something to ask of a database."""
    at_start = {
        span.arguments
        for span in spans_of(case, case.expected, "statement")
        if span.end.tick <= case.expected.opened
    }
    for span in spans_of(case, case.got, "statement"):
        if span.arguments in at_start and span.exchange is not None:
            return Finding(
                span.line,
                f"{at_line(span.line)} sends a statement for a request that belongs in the startup "
                f"of the app, before any request comes: {span.arguments[0]}.",
            )
    return None


@rule("begun-by-request", "connections")
def pool_opened_by_request(case: Case) -> Finding | None:
    """Finds it where the app's start has a pool to open."""
    for wait in pool_openings(case.got):
        if not pool_openings(case.expected):
            return Finding(
                wait.line,
                f"{at_line(wait.line)} opens the pool for a request, which has to wait for it. "
                "That belongs in the startup of the app, before any request comes.",
            )
    return None


def _is_of_request(case: Case, call: Span, at_start: Span) -> bool:
    """Whether a call is a request's own. Of one without a resource, only a later one surely is."""
    is_later = call.start.tick > at_start.start.tick and _task_of(case, call) is None
    return call.exchange is not None and (call.resource is not None or is_later)


@rule("error-swallowed", "lifespan")
def startup_error_swallowed(case: Case) -> Finding | None:
    """Finds it where the app starts all the same."""
    if case.expected.outcome.kind != "startup-failed" or case.got.outcome.kind != "finished":
        return None
    failed = next((call for call in case.got.calls() if call.how == "failed"), None)
    if failed is None:
        return None
    line = case.call_line(failed)
    return Finding(
        line,
        f"{failed.name}{of_line(line)} fails when the app starts, and the app starts all the "
        "same. A server that lacks what it needs must not say that it is up: let the error "
        "through.",
    )


@rule("lifespan-order", "lifespan-order")
def lifespan_order(case: Case) -> Finding | None:
    """Resources are opened or closed in the wrong order, or at the same time.

    What is opened later may need what was opened before, so it must be closed first. If all are
    opened at once and one of them fails, nobody knows which of the others are open.

    Instead: `async with` in an `AsyncExitStack`, one after the other. It closes what was opened,
    the last one first.
    """
    early = next((one for one in case.got.calls() if _is_closed_at_start(case, one)), None)
    if early is not None:
        line = case.call_line(early)
        return Finding(
            line,
            f"{at_line(line)} calls {early.name} before the app takes its first request. What is "
            "used by requests is closed after the `yield`: where is that line?",
        )
    for ending, what in ((False, "opens"), (True, "closes")):
        mine, should = (_steps(trace.calls(), ending) for trace in (case.got, case.expected))
        if len(mine) != len(should):
            return None
        found = _at_the_same_time(case, mine, what) or _in_another_order(case, mine, should, what)
        if found is not None:
            return found
    return None


def _at_the_same_time(case: Case, calls: list[Span], what: str) -> Finding | None:
    for before, call in itertools.pairwise(calls):
        if call.start.tick < before.end.tick:
            line = case.call_line(call)
            return Finding(
                line,
                f"{at_line(line)} {what} two resources at the same time: {call.name} begins "
                f"before {before.name} is over. One should be done before the next begins.",
            )
    return None


def _in_another_order(
    case: Case, calls: list[Span], should: list[Span], what: str
) -> Finding | None:
    for call, wanted in zip(calls, should, strict=True):
        if call.name != wanted.name:
            line = case.call_line(call)
            return Finding(
                line,
                f"{at_line(line)} {what} in the wrong order: {wanted.name} should be next, but "
                f"{call.name} is called. Which of them may need the other?",
            )
    return None


def _is_closed_at_start(case: Case, call: Span) -> bool:
    has_started = case.got.outcome.kind == "finished" and case.got.exchanges
    return bool(has_started) and call.name.endswith(".close") and call.end.tick <= case.got.opened


def _steps(calls: tuple[Span, ...], ending: bool) -> list[Span]:
    """The calls that close resources, or those that open them."""
    if ending:
        return [call for call in calls if call.name.endswith(".close")]
    return [call for call in calls if "." not in call.name]


# Tasks that go on


@rule("worker-died", *TASKS, "work-order", "lifespan")
def worker_died(case: Case) -> Finding | None:
    """A task that should go on is ended by the first error.

    An exception that leaves the loop of a task ends the task, in silence. What it did is not
    done any more from then on, and the app looks as healthy as ever.

    Instead: a `try` *inside* the loop, around what is done in one round. Log the error there.
    """
    for call in case.got.calls():
        task = _task_of(case, call)
        if call.how != "failed" or task is None or task.end.tick != call.end.tick:
            continue
        later = [one for one in case.got.calls(call.name) if one.task == call.task]
        others = case.expected.calls(call.name)
        if task.how == "open" or later[-1] is not call or len(others) <= len(later):
            continue
        if _is_loop(case, call.name):
            return Finding(
                task.line,
                f"The task that line {task.line} starts is ended by an error: {call.name}"
                f"{of_line(call.line)} fails at {in_seconds(call.end.tick)}, and nothing within "
                "the task's loop catches that. From then on it does nothing.",
            )
    return None


def _task_of(case: Case, call: Span) -> Span | None:
    """The task that a call is made in, if it is one of the app's, and not of a request's."""
    return next(
        (
            span
            for span in case.got.spans
            if span.kind == "task"
            and span.task == call.task
            and span.exchange is None
            and span.line is not None
        ),
        None,
    )


def _is_loop(case: Case, name: str) -> bool:
    """Whether the reference makes several of these calls in one task."""
    tasks = [call.task for call in case.expected.calls(name)]
    return len(set(tasks)) < len(tasks)


@rule("interval-drifts", "calls", "call-endings", "status", "body")
def interval_drifts(case: Case) -> Finding | None:
    """What should be done every few seconds is done later each time.

    `await asyncio.sleep(5)` after the work waits five seconds *from its end*. The rounds are as
    long as both together, and drift away from the moments that were meant.

    Instead: compute the next moment from the start (`start + number * 5`), and sleep until then.
    """
    for name in _names(case):
        mine, theirs = case.got.calls(name), case.expected.calls(name)
        starts = [call.start.tick for call in theirs]
        if len(mine) < 2 or len(theirs) < 3 or mine[1].start.tick == starts[1]:
            continue
        pauses = {b.start.tick - a.end.tick for a, b in itertools.pairwise(mine)}
        steps = {b - a for a, b in itertools.pairwise(starts)}
        pause = min(pauses)
        if len(pauses) == 1 and pause and pause == min(steps) and _task_of(case, mine[0]):
            sleep = next((w for w in case.waits(None) if w.end.tick == mine[1].start.tick), None)
            line = sleep.line if sleep else case.call_line(mine[0])
            return Finding(
                line,
                f"{at_line(line)} waits {in_seconds(pause)} from the end of {name} to the next "
                f"one. So the next is late by the time that {name} takes: it comes at "
                f"{in_seconds(mine[1].start.tick)}, and should come at {in_seconds(starts[1])}.",
            )
    return None


@rule("too-many-at-once", "calls", "call-endings", "status", "body", "elapsed", "arguments")
def too_many_at_once(case: Case) -> Finding | None:
    """More calls are under way at once than there should be.

    Each of a hundred requests asks the same question; each second begins another poll while the
    last one hangs. The slower the other side is, the more it gets to do.

    Instead: let those who want the same share one task, or take turns, or limit how many are
    under way: so many workers, or a semaphore.
    """
    if not_refused(case) is not None:
        return None  # there are more calls because more requests were let in
    for name, mine, most in _most_at_once(case):
        is_another_matter = _is_repeated(case, name) or _is_elsewhere(case, name)
        if mine > most and not is_another_matter and not _is_kept_up(case, name):
            line = _line_of(case, case.got.calls(name)[1])
            return Finding(
                line,
                f"{at_line(line)} calls {name} while others of these calls are under way: {mine} "
                f"at once, and {most} should be the most. What do they have to wait for, or to "
                "share?",
            )
    return None


@rule("too-few-at-once", "calls", "call-endings", "elapsed", "status", "body")
def too_few_at_once(case: Case) -> Finding | None:
    """Fewer calls are under way at once than there could be.

    One worker does one thing at a time. What others could do meanwhile waits behind it.

    Instead: start as many workers as there may be calls at once; they take from one queue.
    """
    for name, mine, most in _most_at_once(case):
        first = case.got.calls(name)[0]
        if 0 < mine < most and _task_of(case, first) is not None:
            line = case.call_line(first)
            return Finding(
                line,
                f"{at_line(line)} never has more than {mine} {name} under way, where {most} could "
                "be at once. What could take the next one meanwhile?",
            )
    return None


def _line_of(case: Case, call: Span) -> int | None:
    """The line of a call, or else of the endpoint that it is made for."""
    line = case.call_line(call)
    if line is None and call.exchange is not None:
        return case.got.exchanges[call.exchange].line
    return line


def _is_repeated(case: Case, name: str) -> bool:
    """Whether a single request makes the call more than once."""
    made = Counter(call.exchange for call in case.got.calls(name) if call.exchange is not None)
    return any(count > 1 for count in made.values())


def _is_kept_up(case: Case, name: str) -> bool:
    """Whether calls are under way that should have been ended, or refused, and not waited for."""
    mine = case.got.calls(name)
    refused = {e.number for e in case.expected.exchanges if REFUSED <= (e.status or 0) < UNHANDLED}
    ends = {call.how for call in case.expected.calls(name)}
    return any(
        (call.how == "open" and "open" not in ends) or call.exchange in refused for call in mine
    )


def _is_elsewhere(case: Case, name: str) -> bool:
    """Whether requests make the call whose path has no such call in the reference."""
    paths = [exchange.path for exchange in case.expected.exchanges]
    theirs = [call.exchange for call in case.expected.calls(name)]
    meant = {paths[number] for number in theirs if number is not None}
    mine = {call.exchange for call in case.got.calls(name)} - {None}
    return None not in theirs and any(paths[number or 0] not in meant for number in mine)


def _most_at_once(case: Case) -> Iterator[tuple[str, int, int]]:
    """For each name of the app's own calls: how many at once at the most, mine and expected."""
    for name in _functions(case):
        theirs = [call for call in case.expected.calls(name) if call.seconds]
        mine = [call for call in case.got.calls(name) if call.seconds]
        if theirs and len(mine) > 1:
            yield name, most_at_once(mine), most_at_once(theirs)


@rule("asked-again", "calls", "elapsed", "status", "body")
def asked_again(case: Case) -> Finding | None:
    """Something is asked for again, though its answer is still good.

    Each call costs its time, and what is asked has as much to do as there are requests.

    Instead: keep the result beside the moment when it came, and ask again when it is too old.
    """
    for name in _functions(case):
        mine, theirs = case.got.calls(name), case.expected.calls(name)
        if _is_repeated(case, name):
            continue  # another rule's matter
        asked = [call for call in mine if _is_needless(case, call)]
        is_again = any(is_again for _, is_again in _differing(case, name))
        if asked and (len(mine) > len(theirs) or is_again):
            line = _line_of(case, asked[-1])
            shared = "could those who wait share one call, and its failure?"
            question = "which of the answers was still good?" if asked[-1].how == "done" else shared
            return Finding(
                line,
                f"{at_line(line)} calls {name} {times(len(mine))} in all, at least once for a "
                f"request that needs no call: {question}",
            )
    return None


@rule("asked-again", "calls", "arguments", general=True)
def asked_too_often(case: Case) -> Finding | None:
    """Finds it where tasks call that requests have made: which needs none can't be told."""
    for name in _functions(case):
        mine, theirs = case.got.calls(name), case.expected.calls(name)
        if any(call.exchange is None for call in mine) or _is_repeated(case, name):
            continue  # the app's own tasks, or another rule's matter
        if len(mine) > len(theirs) > 0:
            line = _line_of(case, mine[-1])
            return Finding(
                line,
                f"{at_line(line)} calls {name} {times(len(mine))} in all, and {times(len(theirs))} "
                "is right. Where does your code look for an earlier call?",
            )
    return None


def _is_needless(case: Case, call: Span) -> bool:
    """Whether a request makes a call whose result the reference has for its path already.

    It has it only for the same arguments. Not where the status is another one than it should be:
    then more is wrong than a call.
    """
    if call.exchange is None or _task_of(case, call) is not None:
        return False
    ours, theirs = case.got.exchanges[call.exchange], case.expected.exchanges[call.exchange]
    if ours.status != theirs.status or calls_of(case.expected, call.exchange, call.name):
        return False
    same = [one for one in case.expected.calls(call.name) if one.arguments == call.arguments]
    owners = {one.exchange for one in same}
    return None in owners or any(
        (one.path, one.status) == (ours.path, theirs.status)
        for one in case.expected.exchanges
        if one.number in owners
    )


@rule("kept-too-long", "calls", "elapsed", "status", "body")
def kept_too_long(case: Case) -> Finding | None:
    """A result is still used when it is too old.

    What was true once is still told to clients that ask much later.

    Instead: keep the moment beside the result, and compare: how old may it be?
    """
    for name in _functions(case):
        for ours, is_again in _differing(case, name):
            if case.got.calls(name) and not is_again and (ours.status or 0) < REFUSED:
                return Finding(
                    ours.line,
                    f"{ours.method} {ours.path}{of_line(ours.line)}, asked at "
                    f"{in_seconds(ours.started.tick - case.got.opened)}, is answered with an "
                    f"earlier result of {name}, which is too old by then. How long is one good?",
                )
    return None


def _differing(case: Case, name: str) -> Iterator[tuple[Exchange, bool]]:
    """The first request that calls `name` where the reference keeps a result, or the other way.

    Only where the reference keeps some, or the answer is another one than it should be.
    """
    earlier: list[Exchange] = []
    if any(call.exchange is None for call in case.expected.calls(name)):
        return  # the app's own tasks call it
    for ours, theirs in case.exchanges():
        mine, wanted = (
            bool(calls_of(trace, ours.number, name)) for trace in (case.got, case.expected)
        )
        is_known = any(ours.path == one.path for one in earlier)
        if mine != wanted and is_known and ours.status is not None and ours.raised is None:
            same = [one for one in earlier if (one.status, one.body) == (ours.status, ours.body)]
            if case.depends_on_time() or (same and ours.status != theirs.status):
                yield ours, mine
            return
        earlier.append(ours)


# Too much to do


@rule("not-refused", "status", "body", "elapsed", "calls")
def not_refused(case: Case) -> Finding | None:
    """The app takes what it has no room for, or can't do yet.

    A queue without a limit takes work that nobody does in time, and a client that has to wait
    for room gives up, and comes again. Both make a busy server busier.

    Instead: say no at once: 503, with `Retry-After`. `queue.put_nowait` raises `QueueFull` where
    `await queue.put` waits.
    """
    for ours, theirs in case.exchanges():
        if theirs.status != 503 or not theirs.header("retry-after"):
            continue
        took, patience = done(ours), done(theirs) or 0
        is_late = ours.status == 503 and (took or 0) > patience
        if not is_late and (ours.status or 200) >= 300:
            continue
        how = f"gets {ours.status}" if ours.status else "has no answer"
        waits = f" after {in_seconds(took)}" if took else ""
        return Finding(
            ours.line,
            f"{ours.method} {ours.path}{of_line(ours.line)} {how}{waits}, and should be refused "
            f"{f'after {in_seconds(patience)}' if patience else 'at once'}, with 503: what it asks "
            "for can't be done now.",
        )
    return None


@rule("header-missing", "header-presence")
def header_missing(case: Case) -> Finding | None:
    """An answer lacks a header that says what the client should do.

    A 503 alone leaves the client to guess: most ask again at once, all together.

    Instead: `raise HTTPException(503, "...", headers={"Retry-After": "5"})`.
    """
    for ours, theirs in case.exchanges():
        missing = [name for name, _ in theirs.headers if not ours.header(name).strip()]
        missing = [name for name in missing if not name.startswith("content-")]
        if ours.status == theirs.status and missing:
            return Finding(
                ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)} is answered with {ours.status}, "
                f"and without the header {missing[0].title()}.",
            )
    return None


# Checks that many wait for


@rule("timeout-mistaken", "status", "body")
def timeout_mistaken(case: Case) -> Finding | None:
    """A call's own `TimeoutError` is taken for the time limit's.

    `except TimeoutError` around `asyncio.timeout` also catches the one that the call itself
    raises, long before its time is up.

    Instead: ask the limit: `async with asyncio.timeout(1) as limit`, then `limit.expired()`.
    """
    if all(error.type != "TimeoutError" for error in errors_of(case.scenario)):
        return None
    wrong = [ours for ours, theirs in case.exchanges() if differ(ours, theirs)]
    failed = [_raises_timeout(case, exchange.number) for exchange in wrong]
    is_unhandled = any(exchange.status == UNHANDLED for exchange in wrong)
    if is_unhandled or not failed or failed[0] is None or None in failed:
        return None  # something else is wrong with what does not fail in that way
    call = failed[0]
    line = case.call_line(call)
    return Finding(
        line,
        f"{call.name}{of_line(line)} raises a TimeoutError of its own after {call.seconds:g} s, "
        "and your code takes that for its time limit. How can you tell the two apart?",
    )


def _raises_timeout(case: Case, exchange: int) -> Span | None:
    """The call for a request that raises a `TimeoutError` of its own."""
    for call in calls_of(case.got, exchange):
        given = case.scenario.collaborators.get(call.name)
        number = case.got.calls(call.name).index(call)
        step = (
            given.steps[min(number, len(given.steps) - 1)] if isinstance(given, InTurn) else given
        )
        is_own = any(error.type == "TimeoutError" for error in errors_in(step))
        if call.how == "failed" and is_own and _task_of(case, call) is None:
            return call
    return None


@rule("shared-task-cancelled", "status", "body", "elapsed")
def shared_task_cancelled(case: Case) -> Finding | None:
    """A request that is cancelled takes with it what others wait for.

    `await task` in a request that is cancelled cancels the task, too, and all others that wait
    for it.

    Instead: `await asyncio.shield(task)`: the request ends, and the task goes on for the others.
    """
    left = any(case.is_cancelled(exchange) for exchange in case.got.exchanges)
    for ours, theirs in case.exchanges():
        if (
            left
            and ends_cancelled(ours)
            and theirs.status is not None
            and not case.is_cancelled(ours)
        ):
            line = case.longest_wait_line(ours)
            return Finding(
                line,
                f"{at_line(line)} waits for a task that is cancelled, because another request "
                "that waits for it is. Cancelling one request must not end the work of all.",
            )
    return None


# The end


@rule("task-outlives-app", "calls", "call-endings", "lifespan-order")
def task_outlives_app(case: Case) -> Finding | None:
    """A task is still at work when the app is down.

    What it uses has been closed by then, and it is cut off wherever it is. `cancel()` alone
    only asks: the task ends when it next runs, and may have to clean up.

    Instead: after the `yield`, `task.cancel()`, and then wait until it has ended: `await task`
    within `suppress(asyncio.CancelledError)`, or `gather(*tasks, return_exceptions=True)`.
    """
    theirs = {(call.name, call.start.tick): call for call in case.expected.calls()}
    for call in case.got.calls():
        other = theirs.get((call.name, call.start.tick))
        task = _task_of(case, call)
        if call.how == "open" and task is not None and (other is None or other.how != "open"):
            return Finding(
                task.line,
                f"The task that line {task.line} starts is still at work when the app is down: "
                f"its {call.name} has not ended. After the `yield`, who asks it to end, and who "
                "waits until it has?",
            )
    return None


@rule("cancellation-swallowed", OUTCOME)
def task_cancelled_in_vain(case: Case) -> Finding | None:
    """Finds it in a task that should end with the app: it goes on, and the app never stops."""
    told = case.incidents("cancellation-swallowed")
    if case.got.outcome.kind not in ("ran-away", "stuck") or not told:
        return None
    line = told[0].line
    return Finding(
        line,
        f"{at_line(line)} was cancelled, and your code caught the CancelledError and went on. "
        "The code that cancels a task waits for it to end, so the app never stops. Catch "
        "`Exception`, which a cancellation isn't.",
    )


@rule("slow-shutdown", "shutdown")
def slow_shutdown(case: Case) -> Finding | None:
    """The app takes long to stop, with nothing left to do.

    `queue.join()` waits until each job that was taken has been marked with `task_done()`. One
    that isn't, because its work failed or nobody wrote the line, is waited for in vain.

    Instead: `task_done()` in a `finally`, once for each `get()`.
    """
    if case.got.ended <= case.expected.ended:
        return None
    waits = [wait for wait in case.waits(None) if wait.end.tick > case.expected.ended]
    line = max(waits, key=lambda wait: wait.seconds).line if waits else None
    return Finding(
        line,
        f"{at_line(line)} waits at shutdown until {in_seconds(case.got.ended)}, though nothing "
        f"has been at work since {in_seconds(case.expected.ended)}. What does it wait for?",
    )


@rule("wrong-moment", "calls", "call-endings", general=True)
def wrong_moment(case: Case) -> Finding | None:
    """Something is called at the wrong moment.

    Where moments are part of what is asked for, one that is missed, or made up for later, shifts
    all that follow.

    Instead: compare the two pictures: which call is the first at another place, and which line
    decides when it begins?
    """
    for name in _names(case):
        mine, theirs = case.got.calls(name), case.expected.calls(name)
        found = _too_many_or_few(case, mine, theirs) if len(mine) != len(theirs) else None
        if found is not None:
            return found
        for call, other in zip(mine, theirs, strict=False):
            if call.start.tick != other.start.tick:
                line = _line_of(case, call)
                return Finding(
                    line,
                    f"{at_line(line)} calls {name} at {in_seconds(call.start.tick)}, and it "
                    f"should be called at {in_seconds(other.start.tick)}.",
                )
    return None


def _too_many_or_few(
    case: Case, mine: tuple[Span, ...], theirs: tuple[Span, ...]
) -> Finding | None:
    """A moment at which something is called that shouldn't be, or isn't and should be."""
    if len(mine) > len(theirs):
        call = _unasked(mine, theirs)
        line, at = _line_of(case, call), in_seconds(call.start.tick)
        said = f"{at_line(line)} calls {call.name} at {at}, and nothing should call it then."
        return Finding(line, said)
    if mine:
        call = _unasked(theirs, mine)
        line, at = _line_of(case, mine[0]), in_seconds(call.start.tick)
        return Finding(line, f"{call.name}{of_line(line)} isn't called at {at}, and should be.")
    return None


def _unasked(calls: tuple[Span, ...], fewer: tuple[Span, ...]) -> Span:
    """The first call at a moment at which the fewer others have none, or not as many."""
    left = Counter(call.start.tick for call in fewer)
    left.subtract(call.start.tick for call in calls)
    return next(call for call in calls if left[call.start.tick] < 0)


@rule("work-lost", "calls", "call-endings", "work-order", "body", "status")
def work_lost_at_shutdown(case: Case) -> Finding | None:
    """Finds it where workers have taken what requests have left, and stop too early."""
    for name in _names(case):
        mine = [call for call in case.got.calls(name) if call.how == "done"]
        theirs = [call for call in case.expected.calls(name) if call.how == "done"]
        cut = [call for call in case.got.calls(name) if call.how in ("cancelled", "open")]
        alike = all(ours.status == its.status for ours, its in case.exchanges())
        is_late = bool(theirs) and theirs[-1].end.tick > _last_answer(case)
        if not alike or len(mine) >= len(theirs) or not is_late or not _is_loop(case, name):
            continue
        line = case.call_line((cut or mine)[0]) if cut or mine else None
        return Finding(
            line,
            f"{len(theirs) - len(mine)} of {len(theirs)} jobs that were accepted are not done "
            f"when the app is down: {name}{of_line(line)} is cut off or never begins. What waits "
            "for them after the `yield`?",
        )
    return None


def _last_answer(case: Case) -> int:
    over = [exchange.completed for exchange in case.got.exchanges]
    return max((end.tick for end in over if end is not None), default=0)


@rule("shutdown-waits-too-long", "calls", "call-endings")
def shutdown_waits_too_long(case: Case) -> Finding | None:
    """Shutdown waits for something that should be cancelled by then.

    A server that is told to stop is killed when it takes too long, and then nothing is cleaned
    up at all.

    Instead: a limit around the wait (`asyncio.timeout(30)`), and after it `cancel()` for what
    is left. What needn't be finished is cancelled at once.
    """
    theirs = {(call.name, call.start.tick): call for call in case.expected.calls()}
    for call in case.got.calls():
        if _task_of(case, call) is None:
            continue  # a request's own
        other = theirs.get((call.name, call.start.tick))
        if other is None and call.start.tick > case.expected.ended:
            line = case.call_line(call)
            return Finding(
                line,
                f"{at_line(line)} calls {call.name} at {in_seconds(call.start.tick)}, though the "
                f"app should have been down by {in_seconds(case.expected.ended)}. What tells "
                "the task that the app stops, and what does it do then?",
            )
        if other is None or other.how != "cancelled" or call.end.tick <= other.end.tick:
            continue
        if call.how != "open" and call.end.tick > _last_answer(case):
            line = case.call_line(call)
            return Finding(
                line,
                f"{call.name}{of_line(line)} goes on until {in_seconds(call.end.tick)}, and the "
                f"server waits for it to stop. It should be cancelled, and over at "
                f"{in_seconds(other.end.tick)}.",
            )
    return None


@rule("error-not-logged", "log")
def failure_not_logged(case: Case) -> Finding | None:
    """Finds it where the work belongs to the app, and to no request."""
    logged = {log.at.tick: log.logger for log in case.expected.logs}
    for call in case.got.calls():
        logger = logged.get(call.end.tick)
        if call.how != "failed" or logger is None:
            continue
        if not any(log.logger == logger and log.at.tick == call.end.tick for log in case.got.logs):
            line = case.call_line(call)
            return Finding(
                line,
                f"{call.name}{of_line(line)} fails, and nothing is logged of that on the logger "
                f"{logger!r}. Nobody waits for it, so nobody else could tell.",
            )
    return None
