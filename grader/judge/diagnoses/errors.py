"""Exceptions: the learner's own, and those of collaborators that nobody handles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from ...model.report import Diagnosis
from ...model.scenarios import (
    CLOSED,
    CLOSED_MEANWHILE,
    Error,
    Scenario,
)
from ...model.trace import Failure
from ...processes.limits import MEMORY
from .case import Case, at_line


def memory_error(case: Case) -> Iterable[Diagnosis]:
    for exchange in case.got.exchanges:
        if exchange.raised is not None and exchange.raised.type == "MemoryError":
            line = exchange.raised.line
            yield Diagnosis(
                "out-of-memory",
                line,
                f"{at_line(line)} takes more memory than an exercise may have ({MEMORY >> 20} MB). "
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


_MEANT = {"HTTPException", "CancelledError"}
"""What is raised on purpose, by somebody."""


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


def _own(case: Case, error: Failure) -> Failure | None:
    """The error, or the first one of a group, that no collaborator has raised."""
    for one in error.within or (error,):
        if not _MEANT & {*one.bases} and not _is_a_collaborators(case, one):
            return msgspec.structs.replace(one, line=one.line or error.line)
    return None if error.within or _is_a_collaborators(case, error) else error


def _is_a_collaborators(case: Case, error: Failure) -> bool:
    """Whether a collaborator raised the error, or a timeout around one did."""
    if "TimeoutError" in error.bases or error.text in (CLOSED, CLOSED_MEANWHILE):
        return True
    return any(
        theirs.type == error.type and theirs.text in error.text
        for theirs in errors_of(case.scenario)
    )


def errors_of(scenario: Scenario) -> Iterator[Error]:
    """Every error that a scenario's collaborators raise."""
    for collaborator in scenario.collaborators.values():
        yield from _errors_in(collaborator)


def _errors_in(described: object) -> Iterator[Error]:
    """The errors in a description, however deep: in steps, cases, members and methods."""
    if isinstance(described, Error):
        yield described
    elif isinstance(described, msgspec.Struct):
        yield from _errors_in([getattr(described, field) for field in described.__struct_fields__])
    elif isinstance(described, dict):
        yield from _errors_in(list(described.values()))
    elif isinstance(described, list | tuple):
        for part in described:
            yield from _errors_in(part)


def _named(error: Failure) -> str:
    return f"{error.type}: {' '.join(error.text.split())[:200]}".rstrip(": .")


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
    note = next((note for words, note in _NOTES.items() if words in error.text), "")
    if error.line is not None:
        return f"Line {error.line} raises {text}. {note}".rstrip()
    note = note or "Is that something that can be sent?"
    return f"{text}. That is raised when an answer is made of what your code gives out. {note}"


_NOTES = {
    "coroutine was expected": (
        "A task is made of a coroutine, and that is what calling an async function gives."
    ),
    "Result is not set": "A task has a result once it is over. At which line is that certain?",
    "has no attribute 'encode'": (
        "A stream sends text or bytes: what has to become of a row first?"
    ),
    "must be callable": (
        "It was to be called after the answer: was it a function, or what one has returned?"
    ),
}
"""What helps with some errors, by words in their text."""
