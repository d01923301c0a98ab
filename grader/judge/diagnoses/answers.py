"""Wrong answers: the wrong status, the wrong body, too much or too little said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...report import Diagnosis
from ...scenarios import Error, InTurn, Named, Scenario, Takes
from ...trace import Exchange, Failure
from ..aspects import answers, arguments, call_counts, everything_said
from .case import Case, at_line, calls_of, done, in_seconds
from .timing import one_by_one


def missing_route(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        unknown = ours.status in (404, 405) and theirs.status != ours.status
        detail = ours.json()
        if (
            unknown
            and isinstance(detail, dict)
            and detail.get("detail")
            in (
                "Not Found",
                "Method Not Allowed",
            )
        ):
            yield Diagnosis(
                "missing-route",
                None,
                f"The app has no answer to {ours.method} {ours.path} ({ours.status}). "
                "Is the route there, with this path and this method?",
            )
            return


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
        error = ours.raised
        if error is None or theirs.raised is not None or _is_a_collaborators(case, error):
            continue
        yield Diagnosis(
            "raised",
            error.line,
            f"{at_line(error.line)} raises {error.type}: {error.text.strip()[:200]}.",
        )
        return


def unhandled(case: Case) -> Iterable[Diagnosis]:
    """A collaborator's exception that comes through the endpoint as a 500."""
    for ours, theirs in case.exchanges():
        error = ours.raised
        if error is None or ours.status != 500 or theirs.status == 500:
            continue
        if not _is_a_collaborators(case, error):
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
    if error.type.endswith("ExceptionGroup") or "TimeoutError" in error.bases:
        return True
    return any(
        theirs.type == error.type and theirs.text in error.text
        for theirs in errors_of(case.scenario)
    )


def error_leaked(case: Case) -> Iterable[Diagnosis]:
    secrets = [error.text for error in errors_of(case.scenario) if len(error.text) > 4]
    for ours, theirs in case.exchanges():
        for secret in secrets:
            if secret in everything_said(ours) and secret not in theirs.text:
                yield Diagnosis(
                    "error-leaked",
                    None,
                    f"The answer to {ours.method} {ours.path} holds the text of the error "
                    f"({secret[:40]!r}). Hosts, paths and queries are in such texts: who may "
                    "read the answer, and who the log?",
                )
                return


def errors_of(scenario: Scenario) -> Iterator[Error]:
    """Every error that a scenario's collaborators raise."""
    for collaborator in scenario.collaborators.values():
        steps: Iterable[object] = [collaborator]
        if isinstance(collaborator, InTurn):
            steps = collaborator.steps
        elif isinstance(collaborator, Named):
            steps = collaborator.members.values()
        for step in steps:
            taken = getattr(step, "query", step)
            if isinstance(taken, Takes) and taken.raises is not None:
                yield taken.raises


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
                "all were well. Whoever asked takes that for the data.",
            )
            return
        unsaid = [e.type for e in errors_of(case.scenario) if e.type not in ours.text]
        if any(name in theirs.text for name in unsaid):
            yield Diagnosis(
                "error-swallowed",
                line,
                f"{lost[0].name} (line {line}) {what}, and the answer does not say so. Whoever "
                "asked cannot know that something is missing.",
            )
            return


_LASTING = (answers, arguments, call_counts)
"""Aspects in which a race shows: what was answered and done, not when."""


def race(case: Case) -> Iterable[Diagnosis]:
    """Each request alone is answered rightly; together they get in each other's way."""
    alone = one_by_one(case.scenario)
    together = any(aspect(case.got) != aspect(case.expected) for aspect in _LASTING)
    if alone is None or case.aspect is None or not together:
        return
    got, expected = case.replay(alone)
    if got.outcome.kind == "finished" and case.aspect(got) == case.aspect(expected):
        line = _shared_wait(case)
        yield Diagnosis(
            "race",
            line,
            "Each request by itself is answered rightly, and together they are not: they share "
            "something, and while one waits another changes it. What lives longer than one "
            "request in your code?",
        )


def _shared_wait(case: Case) -> int | None:
    """A line at which a request waits whose answer is wrong: others run in the meantime."""
    for ours, theirs in case.exchanges():
        if (ours.status, ours.body) != (theirs.status, theirs.body):
            return next((wait.line for wait in case.waits(ours.number)), None)
    return None


def wrong_status(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        if ours.status == theirs.status:
            continue
        if ours.status is None and theirs.status is not None:
            text = f"{ours.method} {ours.path} gets no answer; {theirs.status} is expected."
        else:
            text = (
                f"{ours.method} {ours.path} is answered with status {ours.status}; "
                f"{theirs.status} is expected."
            )
        if ours.status == 422:
            text += f" FastAPI found the request not valid: {ours.text[:160]}"
        line = ours.raised.line if ours.raised else None
        yield Diagnosis("wrong-status", line, text)
        return


def wrong_body(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        if ours.status != theirs.status:
            continue
        mine, wanted = (e.header("content-type").partition(";")[0] for e in (ours, theirs))
        if mine != wanted:
            text = f"The media type is {mine or 'not given'}, and {wanted} is asked for."
        elif _read(ours) != _read(theirs):
            shown = ours.text[:160] or "it is empty"
            text = f"The status of {ours.method} {ours.path} is right and the body is not: {shown}"
        else:
            continue
        yield Diagnosis("wrong-body", None, text)
        return


def _read(exchange: Exchange) -> object:
    body = exchange.json()
    return exchange.text if body is None else body


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
