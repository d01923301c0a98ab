"""Tasks and background work: begun too early, left behind, or lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...model.report import Diagnosis
from ...model.scenarios import Mongo, Postgres
from ...model.trace import Exchange, Span
from ..aspects import calls_after_answer, has_traceback, records_about
from .case import Case, at_line, calls_of, in_seconds, in_words, lines_in_words


def lifespan_failed(case: Case) -> Iterable[Diagnosis]:
    for incident in case.incidents("lifespan-failed")[:1]:
        if case.got.exchanges:
            when, follows = "stops", "What comes after that line is not done any more."
        else:
            when, follows = "starts", "An app whose startup fails answers nobody."
        yield Diagnosis(
            "lifespan-failed",
            incident.line,
            f"The lifespan of the app fails when the server {when}, at line {incident.line} "
            f"({incident.detail}). {_whose_database(case) or follows}",
        )


def _whose_database(case: Case) -> str:
    given = [
        name
        for name, given in case.scenario.collaborators.items()
        if isinstance(given, Postgres | Mongo)
    ]
    if not given or any(span.kind == "connection" for span in case.got.spans):
        return ""
    return f"No connection was made to the {given[0]} that the factory is given: what is used?"


def never_awaited(case: Case) -> Iterable[Diagnosis]:
    return _never_awaited(case)


def never_awaited_then_used(case: Case) -> Iterable[Diagnosis]:
    """The coroutine was taken for something else, and an error came of that."""
    errors = [one.raised or one.handled for one in case.got.exchanges]
    if any(error and ("'coroutine' object" in error.text or not error.line) for error in errors):
        yield from _never_awaited(case)


def _never_awaited(case: Case) -> Iterable[Diagnosis]:
    made = sorted(case.incidents("never-awaited"), key=lambda one: (one.line or 0, one.detail))
    if made:
        lines = lines_in_words(incident.line for incident in made)
        names = _few(list(dict.fromkeys(f"{incident.detail}()" for incident in made)))
        yield Diagnosis(
            "never-awaited",
            made[0].line,
            f"{lines} {'call' if lines.startswith('Lines') else 'calls'} {names}, and nothing "
            "awaits what comes back. Calling an async function runs none of it: it only makes a "
            "coroutine.",
        )


def _few(names: list[str]) -> str:
    return in_words(names if len(names) < 5 else [*names[:3], f"{len(names) - 3} more"])


def _work_after_answer(case: Case) -> Iterator[tuple[Exchange, Exchange, Span, list[Span]]]:
    """The calls that the reference makes after its answer, with the learner's of that name."""
    for ours, theirs in case.exchanges():
        for span in calls_of(case.expected, theirs.number):
            if theirs.completed is not None and span.start > theirs.completed:
                yield ours, theirs, span, calls_of(case.got, ours.number, span.name)


def work_inline(case: Case) -> Iterable[Diagnosis]:
    for ours, _, _, calls in _work_after_answer(case):
        if calls and ours.completed is not None and calls[0].end.tick <= ours.completed.tick:
            call = calls[0]
            if not call.seconds or call.start > ours.completed:
                continue
            line = case.start_line(call)
            yield Diagnosis(
                "work-inline",
                line,
                f"{at_line(line)} does the work before the answer goes out: the client waits "
                f"{call.seconds:g} s for something that it does not need to wait for.",
            )
            return


def work_awaited_too_early(case: Case) -> Iterable[Diagnosis]:
    """The work was done at once, and what came of it was to be called after the answer."""
    errors = [exchange.raised for exchange in case.got.exchanges if exchange.raised]
    if any("must be callable" in error.text for error in errors):
        yield from work_inline(case)


def work_before_response(case: Case) -> Iterable[Diagnosis]:
    for ours, _, _, calls in _work_after_answer(case):
        if calls and ours.completed is not None and calls[0].start < ours.completed:
            if calls[0].end.tick <= ours.completed.tick and calls[0].seconds:
                continue  # it was waited for: another rule's matter
            line = case.start_line(calls[0])
            yield Diagnosis(
                "work-before-response",
                line,
                f"{calls[0].name} (line {line}) starts before the answer is complete. If it "
                "were to block or to fail at once, the client would feel it. When may it begin?",
            )
            return


def task_reference_lost(case: Case) -> Iterable[Diagnosis]:
    """Only where work is to outlive the answer: elsewhere a leftover task is the fault."""
    if any(_work_after_answer(case)):
        yield from any_task_reference_lost(case)


def any_task_reference_lost(case: Case) -> Iterable[Diagnosis]:
    for incident in case.incidents("task-unreferenced")[:1]:
        yield Diagnosis(
            "task-reference-lost",
            incident.line,
            f"{at_line(incident.line)} starts a task ({incident.detail}) and keeps no reference "
            "to it. The event loop keeps none either, so Python may throw the task away "
            "before it is done, and nobody waits for it when the server stops.",
        )


def work_lost(case: Case) -> Iterable[Diagnosis]:
    for ours, _, should, calls in _work_after_answer(case):
        accepted = ours.status is not None and ours.status < 300
        if should.how != "done" or not accepted or any(call.how == "done" for call in calls):
            continue
        line = case.start_line(calls[0]) if calls else _line_of_task(case, ours, should.name)
        how = "is cut off before it is done" if calls else "never starts"
        yield Diagnosis(
            "work-lost",
            line,
            f"The client was told that its work is accepted, but {should.name} {how}. "
            "Who sees to it that it is finished, also when the server is asked to stop?",
        )
        return


def _line_of_task(case: Case, exchange: Exchange, name: str) -> int | None:
    """The line that made a task for the work, which then never began."""
    tasks = (
        span.line
        for span in case.got.spans
        if span.kind == "task" and span.exchange == exchange.number and span.name == name
    )
    return next(tasks, None)


def task_left_running(case: Case) -> Iterable[Diagnosis]:
    late = list(calls_after_answer(case.got))
    late = [entry for entry in late if _is_awaited_by_reference(case, entry[0])]
    if not late or any(calls_after_answer(case.expected)):
        return
    span, ticks = late[0]
    line = case.call_line(span)
    yield Diagnosis(
        "task-left-running",
        line,
        f"The answer is out, but {span.name}{f' (line {line})' if line else ''} goes on for "
        f"another {in_seconds(ticks)}, for nobody. When one fails, what becomes of the others?",
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


def error_unretrieved(case: Case) -> Iterable[Diagnosis]:
    for incident in case.incidents("exception-unretrieved")[:1]:
        yield Diagnosis(
            "error-swallowed",
            incident.line,
            f"A task failed ({incident.detail}), and nothing in your code ever asked how it ended: "
            "its exception was never seen by anybody.",
        )


def not_logged(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        expected = [log for log in case.expected.logs if log.exchange == theirs.number]
        calls = calls_of(case.got, ours.number)
        if not expected or not calls or ours.status is None or ours.status >= 300:
            continue
        logger, line = expected[0].logger, case.call_line(calls[0])
        mine = records_about(case.got, ours, logger, after=calls[0].name)
        if expected[0].error and not has_traceback(mine):
            yield Diagnosis(
                "error-swallowed",
                line,
                f"The work fails with {expected[0].error}, and no traceback of it is logged on "
                f"the logger {logger!r}. The client has its answer already, so the "
                "log is the only place where anybody could learn of it.",
            )
            return
        if not mine and any(call.how == "done" for call in calls):
            yield Diagnosis(
                "not-logged",
                line,
                f"The work is done, but nothing is logged on the logger {logger!r} after that."
                f"{_where_it_is_logged(case, logger)}",
            )
            return


def _where_it_is_logged(case: Case, logger: str) -> str:
    others = sorted({log.logger for log in case.got.logs} - {logger})
    return f" What your code logs is on {in_words(map(repr, others))}." if others else ""
