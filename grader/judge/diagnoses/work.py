"""Tasks and background work: begun too early, left behind, or lost."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...model.trace import Exchange, Failure, LogRecord, Span, Trace
from ..aspects.calls import calls_after_answer
from ..aspects.logs import has_traceback, logged_as_done, records_about
from ..differences import shortened
from .case import (
    OUTCOME,
    Case,
    at_line,
    at_lines,
    calls_of,
    error_line,
    in_seconds,
    in_words,
    of_line,
)
from .notes import note_on, note_on_start
from .outcomes import NO_REQUESTS
from .registry import Finding, rule

LATER = ("work-order", "elapsed", "log", "arguments", "calls", "call-endings", "left-running")
"""Aspects in which it shows what becomes of work."""


@rule("lifespan-failed")
def lifespan_failed(case: Case) -> Finding | None:
    """The app fails when it starts or when it stops.

    What comes before the lifespan's `yield` runs before the first request; what comes after it
    runs when the server stops. An app whose startup fails answers no request. What comes after a
    failing line isn't done any more.

    Instead: read the error, and put what must happen at the end into `finally` or into an
    `async with` around the `yield`.
    """
    if any(incident.kind == "lifespan-failed" for incident in case.expected.incidents):
        return None  # it is meant to
    if any(ours.raised and not theirs.raised for ours, theirs in case.exchanges()):
        return None  # that came before it stopped
    for incident in case.incidents("lifespan-failed")[:1]:
        when = "stops" if case.got.exchanges else "starts"
        follows = (
            "The rest of the lifespan is skipped by that." if case.got.exchanges else NO_REQUESTS
        )
        type_, _, text = incident.detail.partition(": ")
        failure = Failure(type_, text or type_)
        note = note_on(failure) if case.got.exchanges else note_on_start(failure, incident.line)
        return Finding(
            incident.line,
            f"{at_line(incident.line)} fails when the server {when} ({incident.detail}). "
            f"{note or follows}",
        )
    return None


# Coroutines


@rule("never-awaited")
def never_awaited(case: Case) -> Finding | None:
    """An async function is called, and what comes back is never awaited.

    Calling an async function runs none of it: it makes a coroutine, which runs while something
    awaits it. Without `await` the sleep doesn't sleep, the query isn't sent, and the value is a
    coroutine instead of a result.

    Instead: `await fetch()`, or make a task of it with `create_task` and await that.
    """
    made = sorted(case.incidents("never-awaited"), key=lambda one: (one.line or 0, one.detail))
    if not made:
        return None
    lines = [incident.line for incident in made]
    names = _few(list(dict.fromkeys(f"{incident.detail}()" for incident in made)))
    return Finding(
        made[0].line,
        f"{at_lines(lines, 'call')} {names}, and nothing "
        "awaits what comes back. Calling an async function runs none of it: it only makes a "
        "coroutine.",
    )


@rule("never-awaited")
def never_awaited_then_used(case: Case) -> Finding | None:
    """Finds it where the coroutine was taken for something else, and an error came of that."""
    errors = [one.raised or one.handled for one in case.got.exchanges]
    if any(error and (_COROUTINE.search(error.text) or not error.line) for error in errors):
        return never_awaited.look(case)
    return None


_COROUTINE = re.compile("'coroutine' object|not coroutine")
"""Words of errors in which a coroutine stands in the place of a value."""


def _few(names: list[str]) -> str:
    return in_words(names if len(names) < 5 else [*names[:3], f"{len(names) - 3} more"])


# Work that outlives its answer


def _work_after_answer(case: Case) -> Iterator[tuple[Exchange, Exchange, Span, list[Span]]]:
    """The calls that the reference makes after its answer, with the learner's of that name."""
    for ours, theirs in case.exchanges():
        for span in calls_of(case.expected, theirs.number):
            if theirs.completed is not None and span.start > theirs.completed:
                yield ours, theirs, span, calls_of(case.got, ours.number, span.name)


@rule("work-inline", "elapsed", "work-order", "status", "body")
def work_inline(case: Case) -> Finding | None:
    """Work that the client needn't wait for is done before the answer.

    The client waits for it, and may give up, though all it needs to know is that the work is
    accepted.

    Instead: `background_tasks.add_task(function, argument)`. FastAPI runs it when the answer
    has been sent.
    """
    for ours, _, _, calls in _work_after_answer(case):
        if calls and ours.completed is not None and calls[0].end.tick <= ours.completed.tick:
            call = calls[0]
            if not call.seconds or call.start > ours.completed:
                continue
            line = case.start_line(call)
            return Finding(
                line,
                f"{at_line(line)} does the work before the answer goes out: the client waits "
                f"{call.seconds:g} s for something that it doesn't need to wait for.",
            )
    return None


@rule("work-inline")
def work_awaited_too_early(case: Case) -> Finding | None:
    """Finds it where the work was done at once, and its result was to be called later."""
    errors = [exchange.raised for exchange in case.got.exchanges if exchange.raised]
    if any("must be callable" in error.text for error in errors):
        return work_inline.look(case)
    return None


@rule("work-before-response", *LATER)
def work_before_response(case: Case) -> Finding | None:
    """Work that belongs after the answer begins before it.

    A task that is made in the endpoint may run before the answer is sent. If it blocks, or
    fails at once, the client feels it.

    Instead: let the work begin when the answer is out: a background task, or a queue that a
    worker serves.
    """
    for ours, _, _, calls in _work_after_answer(case):
        if calls and ours.completed is not None and calls[0].start < ours.completed:
            if calls[0].end.tick <= ours.completed.tick and calls[0].seconds:
                continue  # it was waited for: another rule's matter
            line = case.start_line(calls[0])
            return Finding(
                line,
                f"{at_line(line)} starts {calls[0].name} before the answer is complete. If it "
                "were to block or to fail at once, the client would feel it.",
            )
    return None


@rule("task-reference-lost", *LATER)
def task_reference_lost(case: Case) -> Finding | None:
    """A task is started, and nothing keeps it.

    The event loop has only a weak reference to a task. One that nothing else refers to may vanish
    in the middle of its work, its errors are never seen, and a stopping server doesn't wait.

    Instead: keep tasks in a set until they are done
    (`task.add_done_callback(tasks.discard)`), and wait for them at shutdown. Or use a
    background task, or a `TaskGroup`.
    """
    # Elsewhere a leftover task is the fault.
    return _task_dropped(case) if any(_work_after_answer(case)) else None


@rule("task-reference-lost", general=True)
def any_task_reference_lost(case: Case) -> Finding | None:
    """Finds it where no work is to outlive its answer."""
    return _task_dropped(case)


def _task_dropped(case: Case) -> Finding | None:
    for incident in case.incidents("task-unreferenced")[:1]:
        return Finding(
            incident.line,
            f"{at_line(incident.line)} starts a task ({incident.detail}) and keeps no reference "
            "to it. The event loop keeps none either, so Python may throw the task away before "
            "it is done, and a stopping server doesn't wait for it.",
        )
    return None


@rule("work-lost", *LATER, OUTCOME)
def work_lost(case: Case) -> Finding | None:
    """Work that was accepted is not done.

    With 202 you promise that it will be. A task that is cut off when the server stops, a queue
    that nobody empties, a thread that dies with the process break that promise, and the client
    never learns of it.

    Instead: background tasks of FastAPI's are waited for at shutdown. Tasks of your own, and
    queues, have to be waited for in the lifespan, after its `yield`.
    """
    for ours, _, should, calls in _work_after_answer(case):
        accepted = ours.status is not None and ours.status < 300
        if should.how != "done" or not accepted or any(call.how == "done" for call in calls):
            continue
        line = case.start_line(calls[0]) if calls else _line_of_task(case, ours, should.name)
        if not calls and line is None:
            return Finding(
                ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)} is answered with {ours.status}, "
                f"and {should.name} is never called for it. Which way through the endpoint "
                "leaves it out?",
            )
        how = "is cut off before it is done" if calls else "never starts"
        asks = "What cuts it off, and what" if calls else "What"
        return Finding(
            line,
            f"{should.name}{of_line(line)} {how}, though the client was told that its work is "
            f"accepted. {asks} waits for it when the server is asked to stop?",
        )
    return None


def _line_of_task(case: Case, exchange: Exchange, name: str) -> int | None:
    """The line that made a task for the work, which then never began."""
    tasks = (
        span.line
        for span in case.got.spans
        if span.kind == "task" and span.exchange == exchange.number and span.name == name
    )
    return next(tasks, None)


@rule("task-left-running", "left-running", "call-endings", "calls", "resources")
def task_left_running(case: Case) -> Finding | None:
    """A call goes on for an answer that is already out.

    When one of several calls fails, `gather` raises at once and leaves the others running. They
    hold connections, may fail unseen, and do what nobody needs any more.

    Instead: a `TaskGroup` cancels the others when one fails, and waits until they are gone.
    With tasks of your own: `task.cancel()` for each, then `gather(*tasks,
    return_exceptions=True)`.
    """
    late = list(calls_after_answer(case.got))
    late = [entry for entry in late if _is_awaited_by_reference(case, entry[0])]
    if not late or any(calls_after_answer(case.expected)):
        return None
    span, ticks = late[0]
    line = case.call_line(span)
    return Finding(
        line,
        f"{span.name}{of_line(line)} goes on for another {in_seconds(ticks)} after the answer is "
        "out. When one call fails, what becomes of the others?",
    )


def _is_awaited_by_reference(case: Case, span: Span) -> bool:
    """Whether the reference makes this call too, and both give the answer it is made for."""
    if (
        span.exchange is None
        or span.name.endswith(".close")
        or not calls_of(case.expected, span.exchange, span.name)
    ):
        return False
    ours, theirs = case.got.exchanges[span.exchange], case.expected.exchanges[span.exchange]
    failed = any(s.how == "failed" for s in calls_of(case.got, span.exchange))
    return failed or ours.json() == theirs.json()


# What nobody learns of


@rule("error-unseen")
def error_unretrieved(case: Case) -> Finding | None:
    """A task failed, and its exception was never seen.

    An exception stays inside its task until something asks for the result. If nothing does, it
    is gone: the work wasn't done, and nobody knows.

    Instead: await each task, or look at `task.exception()` in a done-callback, and log it.
    """
    for incident in case.incidents("exception-unretrieved")[:1]:
        failed = (span for span in case.got.calls() if span.how == "failed")
        line = incident.line or next((case.start_line(span) for span in failed), None)
        return Finding(
            line,
            f"{at_line(line)} lets a task fail ({incident.detail}), and nothing in your "
            "code asks how it ended: its exception is never seen.",
        )
    return None


@rule("error-not-logged", "log")
def error_not_logged(case: Case) -> Finding | None:
    """Background work fails, and its traceback isn't in the log.

    The client has its answer already. The log is the only place where anyone could learn that
    the work wasn't done, and why.

    Instead: `logger.exception("...")` in the `except`: it writes the traceback, too.
    """
    for ours, theirs, logger, line, name in _logged_by_reference(case):
        expected = [log for log in case.expected.logs if log.exchange == theirs.number]
        mine = records_about(case.got, ours, logger, after=name)
        if _is_about_done(case) and len(mine) > len(expected):
            continue  # it is logged twice over
        if expected[0].error and not has_traceback(mine):
            unsaid = "where it failed" if mine else "of it"
            return Finding(
                line,
                f"{name}{of_line(line)} fails with {expected[0].error}, and no traceback of it is "
                f"logged on the logger {logger!r}. The client has its answer already, so nobody "
                f"learns {unsaid}.",
            )
    return None


def _is_about_done(case: Case) -> bool:
    return case.aspect is not None and case.aspect.name == logged_as_done.__name__


@rule("error-not-logged", "log")
def failure_not_logged(case: Case) -> Finding | None:
    """Finds it where the answer is a 500, which tells the client nothing."""
    for ours, theirs in case.exchanges():
        logs = [log for log in case.expected.logs if log.exchange == theirs.number]
        expected = [log for log in logs if log.error]
        if not expected or not ours.status == theirs.status == 500:
            continue
        logger = expected[0].logger
        calls = calls_of(case.got, ours.number)
        mine = records_about(case.got, ours, logger, after=calls[0].name if calls else "")
        if not has_traceback(mine):
            line = error_line(ours)
            return Finding(
                line,
                f"{ours.method} {ours.path}{of_line(line)} is answered with status 500, which "
                f"tells the client nothing, and no traceback is logged on the logger {logger!r}."
                f"{_where_it_is_logged(case, logger)}",
            )
    return None


@rule("error-not-logged", "log")
def misfit_not_logged(case: Case) -> Finding | None:
    """Finds it where a part of the data is left out of an answer, which says nothing of it."""
    for ours, _, logger in _with_records(case):
        if not _records_on(case.got, ours, logger):
            return Finding(
                ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)} logs nothing on the logger "
                f"{logger!r}, and its answer doesn't show that something is wrong. Who would "
                "find out?"
                f"{_where_it_is_logged(case, logger)}",
            )
    return None


@rule("log-too-vague", "log")
def log_too_vague(case: Case) -> Finding | None:
    """The log says that something is wrong, but not with which one of many.

    The reader has to look through all rows, or wait until it happens again.

    Instead: name it: `logger.warning("user %s doesn't fit", row["id"])`.
    """
    compared = _NUMBER.findall(str(case.aspect(case.expected))) if case.aspect else []
    for ours, theirs, logger in _with_records(case):
        mine = _records_on(case.got, ours, logger)
        said = " ".join(text for log in mine for text in (log.message, *log.extra.values()))
        wanted = [log.message for log in _records_on(case.expected, theirs, logger)]
        named = set(_NUMBER.findall(" ".join(wanted))).difference(_NUMBER.findall(said))
        missing = [number for number in compared if number in named]
        if mine and missing:
            shown = shortened(mine[0].message.split("\n")[0], 60)
            return Finding(
                ours.line,
                f"What {ours.method} {ours.path}{of_line(ours.line)} logs, {shown!r}, doesn't say "
                f"which one is meant: {missing[0]} isn't in it. How is anyone to find the row?",
            )
    return None


_NUMBER = re.compile(r"\d+")


def _with_records(case: Case) -> Iterator[tuple[Exchange, Exchange, str]]:
    """The exchanges of which the reference logs that something is wrong, each with the logger."""
    for ours, theirs in case.exchanges():
        logged = [
            log
            for log in case.expected.logs
            if log.exchange == theirs.number and log.level not in ("DEBUG", "INFO")
        ]
        if logged and ours.status == theirs.status:
            yield ours, theirs, logged[0].logger


def _records_on(trace: Trace, exchange: Exchange, logger: str) -> tuple[LogRecord, ...]:
    return records_about(trace, exchange, logger, after="")


@rule("not-logged", "log")
def not_logged(case: Case) -> Finding | None:
    """Background work is done, and the log doesn't say so.

    Work that nobody waits for leaves no other trace. A logger's name decides where its records
    go: one with another name may go nowhere.

    Instead: `logging.getLogger("the name that was asked for").info("...")`, after the work.
    """
    for ours, _, logger, line, name in _logged_by_reference(case):
        mine = records_about(case.got, ours, logger, after=name)
        if not mine and any(call.how == "done" for call in calls_of(case.got, ours.number)):
            return Finding(
                line,
                f"{name}{of_line(line)} is done, and nothing is logged on the logger {logger!r} "
                f"after that.{_where_it_is_logged(case, logger)}",
            )
    return None


@rule("logged-too-much", "log")
def logged_too_much(case: Case) -> Finding | None:
    """The log says that work was done, though it failed.

    Code after an `except` also runs after an error. A record that says "done" is believed.

    Instead: `else`, which runs if nothing was raised.
    """
    for ours, theirs, logger, line, name in _logged_by_reference(case):
        mine = records_about(case.got, ours, logger, after=name)
        wanted = records_about(case.expected, theirs, logger, after=name)
        if len(mine) > len(wanted) > 0:
            said = " and ".join(repr(record.message.split("\n")[0][:40]) for record in mine[:2])
            return Finding(
                line,
                f"{name}{of_line(line)} ends once, but {len(mine)} records on the logger "
                f"{logger!r} say how: {said}. Which lines run after an error?",
            )
    return None


def _logged_by_reference(
    case: Case,
) -> Iterator[tuple[Exchange, Exchange, str, int | None, str]]:
    """What the reference logs about a call that the learner's code makes, too: where, of what."""
    for ours, theirs in case.exchanges():
        expected = [log for log in case.expected.logs if log.exchange == theirs.number]
        calls = calls_of(case.got, ours.number)
        if expected and calls and ours.status is not None and ours.status < 300:
            logger = expected[0].logger
            yield ours, theirs, logger, case.call_line(calls[0]), calls[0].name


def _where_it_is_logged(case: Case, logger: str) -> str:
    others = sorted({log.logger for log in case.got.logs} - {logger})
    return f" What your code logs is on {in_words(map(repr, others))}." if others else ""
