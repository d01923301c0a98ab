"""Wrong answers: the wrong status, the wrong body, too much or too little said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...report import Diagnosis
from ...scenario import Error, InTurn, Named, Scenario, Takes
from ...trace import Exchange, Trace
from ..aspects import answers, call_counts
from .case import Case, at_line, calls_of, done, in_seconds
from .timing import one_by_one


def missing_route(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        unknown = ours.status in (404, 405) and theirs.status != ours.status
        detail = ours.json()
        if unknown and isinstance(detail, dict) and detail.get("detail") in (
            "Not Found",
            "Method Not Allowed",
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
    for ours, theirs in case.exchanges():
        error = ours.raised
        if error is None or theirs.raised is not None or _is_the_collaborators(case, ours):
            continue
        if "TimeoutError" in error.bases or "MemoryError" in error.bases:
            continue
        note = ""
        if error.type.endswith("ExceptionGroup"):
            note = " A TaskGroup always raises a group, also around a single error."
        yield Diagnosis(
            "raised",
            error.line,
            f"{at_line(error.line)} raises {error.type}: {error.text.strip()[:200]}.{note}",
        )
        return


def _is_the_collaborators(case: Case, exchange: Exchange) -> bool:
    """Whether a collaborator failed for this exchange, so that the error is not their own."""
    return any(span.how == "failed" for span in calls_of(case.got, exchange.number))


def error_leaked(case: Case) -> Iterable[Diagnosis]:
    secrets = [error.text for error in errors_of(case.scenario) if len(error.text) > 4]
    for ours, theirs in case.exchanges():
        for secret in secrets:
            if secret in ours.text and secret not in theirs.text:
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
        failed = [s for s in calls_of(case.got, ours.number) if s.how == "failed"]
        if failed and (theirs.status or 0) >= 400 and 200 <= (ours.status or 0) < 300:
            line = case.wait_line(failed[0])
            yield Diagnosis(
                "error-swallowed",
                line,
                f"{failed[0].name} (line {line}) fails, and the answer is {ours.status} as if "
                "all were well. Whoever asked takes that for the data.",
            )
            return


def race(case: Case) -> Iterable[Diagnosis]:
    """Each request alone is answered rightly; together they get in each other's way."""
    alone = one_by_one(case.scenario)
    together = answers(case.got) != answers(case.expected) or call_counts(
        case.got
    ) != call_counts(case.expected)
    if alone is None or case.aspect is None or not together:
        return
    got, expected = case.replay(alone)
    if got.outcome.kind == "finished" and case.aspect(got) == case.aspect(expected):
        line = _shared_wait(case.got)
        yield Diagnosis(
            "race",
            line,
            "Each request by itself is answered rightly, and together they are not: they share "
            "something, and while one waits another changes it. What lives longer than one "
            "request in your code?",
        )


def _shared_wait(trace: Trace) -> int | None:
    return next((span.line for span in trace.spans if span.kind == "wait"), None)


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
        if ours.status == 500 and ours.raised is not None:
            text += (
                f" {ours.raised.type} comes through your endpoint unhandled, and 500 is what "
                "that amounts to."
            )
        elif ours.status == 422:
            text += f" FastAPI found the request not valid: {ours.text[:160]}"
        line = ours.raised.line if ours.raised else None
        yield Diagnosis("wrong-status", line, text)
        return


def wrong_body(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        if ours.status == theirs.status and ours.json() != theirs.json():
            yield Diagnosis(
                "wrong-body",
                None,
                f"The status of {ours.method} {ours.path} is right and the body is not: "
                f"{ours.text[:160] or 'it is empty'}",
            )
            return


def wrong_time(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        took, should = done(ours), done(theirs)
        if took != should and took is not None and should is not None:
            waits = [
                span
                for span in case.got.spans
                if span.kind == "wait" and span.exchange == ours.number
            ]
            longest = max(waits, key=lambda span: span.seconds, default=None)
            yield Diagnosis(
                "wrong-time",
                longest.line if longest else None,
                f"{ours.method} {ours.path} takes {in_seconds(took)} instead of "
                f"{in_seconds(should)}.",
            )
            return
