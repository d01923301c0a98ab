"""Wrong answers: the wrong status, the wrong body, too much or too little said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations

from ...report import Diagnosis
from ...scenarios import (
    CLOSED,
    CLOSED_MEANWHILE,
    Collaborator,
    Error,
    InTurn,
    Named,
    Rows,
    Scenario,
    Takes,
)
from ...trace import Exchange, Failure, Span, Trace
from ..aspects import arguments, call_counts, gives_away, statuses
from ..differences import as_text
from .case import Case, at_line, calls_of, done, in_seconds
from .timing import awaited_in_turn, one_by_one


def missing_route(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        unknown = ours.status in (404, 405) and theirs.status != ours.status
        is_routers = ours.json() in ({"detail": "Not Found"}, {"detail": "Method Not Allowed"})
        if unknown and is_routers and not _has_begun(case, ours):
            yield Diagnosis(
                "missing-route",
                None,
                f"The app has no answer to {ours.method} {ours.path} ({ours.status}). "
                "Is the route there, with this path and this method?",
            )
            return


def _has_begun(case: Case, exchange: Exchange) -> bool:
    """Whether code of the learner's has done anything for it."""
    return any(span.exchange == exchange.number for span in case.got.spans)


def memory_error(case: Case) -> Iterable[Diagnosis]:
    for exchange in case.got.exchanges:
        if exchange.raised is not None and exchange.raised.type == "MemoryError":
            line = exchange.raised.line
            yield Diagnosis(
                "out-of-memory",
                line,
                f"{at_line(line)} takes more memory than an exercise may have (512 MB). "
                "What grows, and who needs all of it at once?",
            )
            return


def raised(case: Case) -> Iterable[Diagnosis]:
    """An exception of the learner's own making, not one that a collaborator raised."""
    for ours, theirs in case.exchanges():
        error = ours.raised and _own(case, ours.raised)
        if error is None or theirs.raised is not None:
            continue
        yield Diagnosis("raised", error.line, _told(error))
        return


def _own(case: Case, error: Failure) -> Failure | None:
    """The error, or the first one of a group, that no collaborator has raised."""
    for one in error.within or (error,):
        if not _MEANT & {*one.bases} and not _is_a_collaborators(case, one):
            return one
    return None if error.within or _is_a_collaborators(case, error) else error


def _named(error: Failure) -> str:
    return f"{error.type}: {' '.join(error.text.split())[:200]}".removesuffix(": ")


def _told(error: Failure) -> str:
    """What was raised: by a line, or by the framework of what it was given."""
    text = _named(error)
    if error.type == "ResponseValidationError":
        found = re.search(r"'loc': \(([^)]*)\), 'msg': '([^']*)'", error.text)
        place, problem = found.groups() if found else ("", text)
        return (
            "FastAPI holds each answer against the endpoint's return annotation (or its "
            f"response_model), and this one does not fit: {problem} (at {place})."
        )
    if "Response not awaited" in error.text:
        return (
            "A dependency with `yield` has caught the error that came through it and let it go no "
            "further, so there is no answer at all. Who is to answer, if not whoever catches it?"
        )
    if error.context == "HTTPException":
        return (
            f"{text}. That is raised when an answer is made of the HTTPException of line "
            f"{error.line}. Which argument is the status, and which the detail, and of what type?"
        )
    if error.line is not None:
        return f"Line {error.line} raises {text}."
    note = "Is that something that can be sent?"
    if "has no attribute 'encode'" in error.text:
        note = "A stream sends text or bytes: what has to become of a row first?"
    if "must be callable" in error.text:
        note = "It was to be called after the answer: was it a function, or what one has returned?"
    return f"{text}. That is raised when an answer is made of what your code gives out. {note}"


_MEANT = {"HTTPException", "CancelledError"}
"""What is raised on purpose, by somebody."""


def error_hidden(case: Case) -> Iterable[Diagnosis]:
    """An error of the learner's own making, for which the learner's own `except` answers."""
    for ours, theirs in case.exchanges():
        error = ours.handled and _own(case, ours.handled)
        is_asked_for = ours.status == theirs.status or (theirs.status or 500) >= 400
        if error is None or error.line is None or is_asked_for or _MEANT & {*error.bases}:
            continue
        yield Diagnosis(
            "error-hidden",
            error.line,
            f"{at_line(error.line)} raises {_named(error)}. That is an error in the program, "
            f"and your `except` makes an answer of it: {ours.status}.",
        )
        return


def error_logged(case: Case) -> Iterable[Diagnosis]:
    """An error of the learner's own making that the learner's own `except` has logged."""
    for log in case.got.logs:
        error = Failure(log.error or "", log.error_text, log.line)
        if log.error is None or log.line is None or _is_a_collaborators(case, error):
            continue
        if any(theirs.error == log.error for theirs in case.expected.logs):
            continue
        yield Diagnosis(
            "error-hidden",
            log.line,
            f"Line {log.line} raises {_named(error)}. That is an error in the program, and your "
            "`except` logs it as if the work had failed.",
        )
        return


def not_called(case: Case) -> Iterable[Diagnosis]:
    """Something that the factory is given, and never used."""
    calls = {span.name for span in case.got.spans if span.kind == "call"}
    wanted = {span.name for span in case.expected.spans if span.kind == "call"}
    answered = any(exchange.status == 200 for exchange in case.got.exchanges)
    for name in sorted(wanted & {*case.scenario.collaborators} - calls) if answered else ():
        if isinstance(case.scenario.collaborators[name], Rows):
            text = (
                f"No row of {name} is ever asked for. Calling it runs none of it: who goes through "
                "what it gives, and is that still open then?"
            )
        else:
            text = (
                f"Your app never calls the {name} that the factory is given. It is a parameter of "
                "the function: is another name called in its place?"
            )
        yield Diagnosis("not-called", None, text)
        return


def unhandled(case: Case) -> Iterable[Diagnosis]:
    """A collaborator's exception that comes through the endpoint as a 500."""
    for ours, theirs in case.exchanges():
        error = ours.raised
        if error is None or ours.status != 500 or theirs.status == 500:
            continue
        if _own(case, error) is not None:
            continue
        note = ""
        if error.type.endswith("ExceptionGroup"):
            note = " A TaskGroup raises a group, also around a single error: what catches one?"
        yield Diagnosis(
            "wrong-status",
            error.line,
            f"{ours.method} {ours.path} is answered with status 500; {theirs.status} is expected. "
            f"{error.type} comes through your endpoint at line {error.line} and nothing handles "
            f"it.{note}",
        )
        return


def _is_a_collaborators(case: Case, error: Failure) -> bool:
    """Whether a collaborator raised the error, or a timeout around one did."""
    if error.within:
        return any(_is_a_collaborators(case, one) for one in error.within)
    if "TimeoutError" in error.bases or error.text in (CLOSED, CLOSED_MEANWHILE):
        return True
    return any(
        theirs.type == error.type and theirs.text in error.text
        for theirs in errors_of(case.scenario)
    )


def error_leaked(case: Case) -> Iterable[Diagnosis]:
    secrets = [error.text for error in errors_of(case.scenario) if len(error.text) > 4]
    for ours, theirs in case.exchanges():
        for secret in secrets:
            if gives_away(ours, secret) and not gives_away(theirs, secret):
                yield Diagnosis(
                    "error-leaked",
                    None,
                    f"The answer to {ours.method} {ours.path} holds the text of the error, or a "
                    f"part of it ({secret[:40]!r}). Hosts, paths and queries are in such texts: "
                    "who may read the answer, and who the log?",
                )
                return


def errors_of(scenario: Scenario) -> Iterator[Error]:
    """Every error that a scenario's collaborators raise."""
    for collaborator in scenario.collaborators.values():
        for step in _steps_of(collaborator):
            taken = getattr(step, "query", step)
            if isinstance(taken, Takes) and taken.raises is not None:
                yield taken.raises


def _steps_of(collaborator: Collaborator) -> Iterator[object]:
    match collaborator:
        case InTurn(steps):
            yield from steps
        case Named(members):
            for member in members.values():
                yield from _steps_of(member)
        case _:
            yield collaborator


def _says_something_of(name: str, body: object) -> bool:
    """Whether there is a text under that name, somewhere in a body of JSON."""
    if not isinstance(body, dict):
        return False
    told = body.get(name)
    is_text = isinstance(told, str) and bool(told)
    return is_text or any(_says_something_of(name, value) for value in body.values())


def error_swallowed(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        lost = [s for s in calls_of(case.got, ours.number) if s.how in ("failed", "cancelled")]
        if not lost or not 200 <= (ours.status or 0) < 300:
            continue
        line = case.call_line(lost[0])
        what = "fails" if lost[0].how == "failed" else "is cut off"
        if (theirs.status or 0) >= 400:
            yield Diagnosis(
                "error-swallowed",
                line,
                f"{lost[0].name} (line {line}) {what}, and the answer is {ours.status} as if "
                f"all were well. {_how_it_is_returned(ours)}",
            )
            return
        unsaid = [e.type for e in errors_of(case.scenario) if e.type not in ours.text]
        missing = next((name for name in unsaid if name in theirs.text), None)
        is_told = lost[0].how == "failed" and _says_something_of(lost[0].name, ours.json())
        if missing is not None and not is_told:
            yield Diagnosis(
                "error-swallowed",
                line,
                f"{lost[0].name} (line {line}) {what}, and the answer does not say so. Whoever "
                "asked cannot know that something is missing.",
            )
            return
        if missing is not None:
            yield Diagnosis(
                "wrong-body",
                None,
                f"The answer tells of {lost[0].name}, and not what is asked for: the name of its "
                f"error's class, {missing}.",
            )
            return


def _how_it_is_returned(exchange: Exchange) -> str:
    body = exchange.json()
    if isinstance(body, dict) and {"status_code", "detail"} <= body.keys():
        return "An HTTPException that is returned is data like any other. Who has to meet it?"
    return "Whoever asked takes that for the data."


def race(case: Case) -> Iterable[Diagnosis]:
    """Each request alone is answered rightly and in time; together they get in each other's way."""
    alone = one_by_one(case.scenario)
    if alone is None or case.aspect is None or _has_plainer_cause(case):
        return
    if not _meet(case.got) or all(part(case.got) == part(case.expected) for part in _LASTING):
        return
    got, expected = case.replay(alone)
    everything = (statuses, case.aspect)
    right = all(aspect(got) == aspect(expected) for aspect in everything)
    if got.outcome.kind == "finished" and right:
        line = _shared_wait(case)
        yield Diagnosis(
            "race",
            line,
            "Each request by itself is answered rightly, and together they are not: they share "
            "something, and while one waits another changes it. What lives longer than one "
            "request in your code?",
        )


def _has_plainer_cause(case: Case) -> bool:
    """Whether something is wrong with each request that would be so without the others."""
    return bool(case.incidents("never-awaited")) or any(awaited_in_turn(case))


def _meet(trace: Trace) -> bool:
    """Whether any two requests, with the work that they leave behind, were under way at once."""
    return any(
        later.started.tick == earlier.started.tick or later.started.tick < _over(trace, earlier)
        for earlier, later in combinations(sorted(trace.exchanges, key=lambda e: e.started), 2)
    )


def _over(trace: Trace, exchange: Exchange) -> int:
    """The tick at which the last that belongs to a request was over."""
    ends = [span.end for span in trace.spans if span.exchange == exchange.number]
    ends += [end for end in (exchange.returned, exchange.completed) if end is not None]
    return max((end.tick for end in ends), default=exchange.started.tick)


def _answered(trace: Trace) -> tuple[object, ...]:
    """What was answered. How a failure is worded is everybody's own affair."""
    return tuple((e.status, _read(e) if (e.status or 0) < 400 else None) for e in trace.exchanges)


_LASTING: tuple[Callable[[Trace], object], ...] = (_answered, arguments, call_counts)
"""In what a race shows: what was answered and done, not when."""


def _shared_wait(case: Case) -> int | None:
    """A line at which a request waits whose answer is wrong: others run in the meantime."""
    for ours, theirs in case.exchanges():
        if (ours.status, ours.body) != (theirs.status, theirs.body):
            return next((wait.line for wait in case.waits(ours.number)), None)
    return None


_NOWHERE = Failure("", "")


def wrong_status(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        if ours.status == theirs.status:
            continue
        if ours.status is None and theirs.status is not None:
            text = f"{ours.method} {ours.path} gets no answer; {theirs.status} is expected."
        elif theirs.status is None:
            text = (
                f"{ours.method} {ours.path} is answered with status {ours.status}; no answer is "
                "expected, for the request is over before there is one."
            )
        else:
            text = (
                f"{ours.method} {ours.path} is answered with status {ours.status}; "
                f"{theirs.status} is expected."
            )
        if ours.status == 422:
            text += f" FastAPI found the request not valid: {ours.text[:160]}"
        elif ours.header("location"):
            text += f" It sends the client on to {ours.header('location')}: is that your path?"
        elif ours.handled is not None:
            text += (
                f" Your code makes that of a {ours.handled.type} (line {ours.handled.line}): "
                "which `except` does it meet first?"
            )
        line = (ours.raised or ours.handled or _NOWHERE).line
        yield Diagnosis("wrong-status", line, text)
        return


def _read(exchange: Exchange) -> object:
    body = exchange.json()
    return exchange.text if body is None else body


def wrong_argument(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        wanted = {span.name: span for span in calls_of(case.expected, theirs.number)}
        for call in calls_of(case.got, ours.number):
            other = wanted.get(call.name, call)
            if call.arguments != other.arguments:
                line = case.call_line(call)
                yield Diagnosis(
                    "wrong-argument",
                    line,
                    f"{at_line(line)} calls {call.name} with {_listed(call)}, and what came with "
                    f"the request is {_listed(other)}. What happens to it on the way?",
                )
                return


def _listed(call: Span) -> str:
    return ", ".join(map(as_text, call.arguments))[:100] or "nothing"


def wrong_time(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        took, should = done(ours), done(theirs)
        if took != should and took is not None and should is not None:
            longest = case.longest_wait(ours.number)
            yield Diagnosis(
                "wrong-time",
                longest.line if longest else None,
                f"{ours.method} {ours.path} takes {in_seconds(took)} instead of "
                f"{in_seconds(should)}.",
            )
            return
