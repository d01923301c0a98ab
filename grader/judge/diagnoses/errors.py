"""Exceptions: the learner's own, and those of collaborators that nothing handles."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from ...model.scenarios import (
    CLOSED,
    CLOSED_MEANWHILE,
    Error,
    Mongo,
    Postgres,
    Scenario,
    Upstream,
)
from ...model.trace import Exchange, Failure, Trace
from ...processes.limits import MEMORY
from ..aspects.answers import ends_cancelled
from ..differences import shortened
from .case import Case, at_line, calls_of, in_words, of_line, parts_of, with_article
from .notes import note_on
from .registry import Finding, rule
from .source import Source

_MEANT = {"HTTPException", "CancelledError", "WebSocketDisconnect", "ClientDisconnect"}
"""What is raised on purpose, or because the client has gone."""

_CLOSED = (CLOSED, CLOSED_MEANWHILE)
"""What a connection says of itself. Why it was closed is another rule's matter."""


@rule("out-of-memory")
def memory_error(case: Case) -> Finding | None:
    """The code takes more memory than an exercise may have.

    A server holds many requests at once, and a process that takes all the memory is killed with
    all of them.

    Instead: look for what grows: a list that collects all rows, a cache that nothing empties.
    A generator holds one row at a time.
    """
    for exchange in case.got.exchanges:
        if exchange.raised is not None and exchange.raised.type == "MemoryError":
            line = exchange.raised.line
            return Finding(line, out_of_memory(line))
    return None


def out_of_memory(line: int | None) -> str:
    return (
        f"{at_line(line)} takes more memory than an exercise may have ({MEMORY >> 20} MB). "
        "What grows there, and is all of it needed at once?"
    )


@rule("raised")
def raised(case: Case) -> Finding | None:
    """The code raises an exception that no one meant to raise.

    It is an error in the program, and the client is answered with status 500. The line and the
    error's text say what went wrong.

    Instead: read the text from its end, then look at the line: what is that value really?
    `print` it, or set a `breakpoint()` and serve the app by hand.
    """
    for ours, theirs in case.exchanges():
        error = ours.raised and _own(case, ours.raised)
        if error is None or _is_cut_off(ours, theirs) or _takes_no_such_argument(case, ours):
            continue
        if theirs.raised is None or (ends_cancelled(theirs) and not ends_cancelled(ours)):
            return Finding(error.line or ours.line, _sentence_of(error, ours.line, theirs.status))
    return None


def _takes_no_such_argument(case: Case, exchange: Exchange) -> bool:
    """Whether a collaborator has failed that was given something else than it should be."""
    wanted = {call.name: call.arguments for call in calls_of(case.expected, exchange.number)}
    failed = [call for call in calls_of(case.got, exchange.number) if call.how == "failed"]
    is_other = any(call.arguments != wanted.get(call.name, call.arguments) for call in failed)
    return is_other and case.is_about("arguments", "body", "events", "readings")


def _is_cut_off(ours: Exchange, theirs: Exchange) -> bool:
    """Whether it was still under way at the end of the play, when the server cancels it."""
    ends = [one.returned.tick if one.returned else 0 for one in (ours, theirs)]
    return ends_cancelled(ours) and ends[0] > ends[1]


@rule("dependency-swallows")
def dependency_swallows(case: Case) -> Finding | None:
    """A dependency with `yield` catches an error and doesn't raise it again.

    The error comes out of the `yield`. If the dependency catches it there and goes on, the
    endpoint has no answer and no error, and FastAPI can send nothing at all.

    Instead: clean up in `finally`. If you do catch the error, end with `raise`, or raise the
    `HTTPException` that answers for it.
    """
    for ours, theirs in case.exchanges():
        if ours.raised and not theirs.raised and _has_no_response(ours.raised):
            return Finding(
                ours.raised.line or ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)} gets no answer: a dependency "
                "with `yield` has caught the error that came through it, and let it go no "
                "further. Whatever catches it there has to raise it again.",
            )
    return None


def _has_no_response(error: Failure) -> bool:
    """Whether FastAPI found that a dependency had swallowed the error: by its scope."""
    return "Response not awaited" in error.text or (
        error.type == "UnboundLocalError" and "'response'" in error.text and error.line is None
    )


@rule("response-does-not-fit")
def response_does_not_fit(case: Case) -> Finding | None:
    """What the endpoint returns isn't what its annotation promises.

    FastAPI checks each answer against the endpoint's return annotation, or its
    `response_model`, and answers 500 if it doesn't fit: better none than a wrong one.

    Instead: return what is promised, or promise what is returned.
    """
    for ours, theirs in case.exchanges():
        error = ours.raised
        if error is not None and error.type == "ResponseValidationError" and not theirs.raised:
            return Finding(
                error.line or ours.line,
                f"The answer to {ours.method} {ours.path}{of_line(ours.line)} isn't what the "
                f"endpoint promises: {_what_does_not_fit(error)}. FastAPI compares it with the "
                f"return annotation, or the `response_model`.{_returned_not_raised(error)}",
            )
    return None


def _what_does_not_fit(error: Failure) -> str:
    """The first thing that FastAPI has found, and where in the answer."""
    found = re.search(r"'loc': \(([^)]*)\), 'msg': '([^']*)'", error.text)
    if found is None:
        return named(error)
    steps = re.findall(r"[^\s,']+", found[1])
    return f"{' → '.join(steps)}: {found[2]}"


def _returned_not_raised(error: Failure) -> str:
    return f" {RETURNED}" if "'input': HTTPException(" in error.text else ""


RETURNED = "An HTTPException that is returned is data like any other: it has to be raised."


@rule("error-hidden", "status", "body", "resources", "calls", "elapsed")
def error_hidden(case: Case) -> Finding | None:
    """An `except` mistakes an error in the program for a failure of something outside.

    `except Exception` also catches a misspelt name and a wrong type. The answer says 502, the
    log says that the work failed, and the error in your own code stays.

    Instead: catch what the call can raise, `ConnectionError` for instance, around that call
    alone. Let everything else through: a 500 with a traceback is found, and mended.
    """
    for ours, theirs in case.exchanges():
        error = ours.handled and _own(case, ours.handled)
        is_asked_for = ours.status == theirs.status or (theirs.status or 500) >= 400
        is_asked_for = is_asked_for and not _hides_a_slip(case, error, ours)
        if error is not None and (ours.status or 0) < 500 and is_about_a_value(error):
            continue
        if error is None or error.line is None or is_asked_for or _MEANT & {*error.bases}:
            continue
        return Finding(
            error.line,
            f"{at_line(error.line)} raises {named(error)}{_whose(case, error)}, and "
            f"your `except` turns it into an answer with status {ours.status}."
            f"{_with_space(note_on(error, theirs.status))}",
        )
    return None


def _whose(case: Case, error: Failure) -> str:
    is_meant = Source(case.source).raises_at(error.line)
    return "" if is_meant else ". That is an error in the program"


_SLIPS = {"TypeError", "NameError", "AttributeError"}
"""What a slip in a program raises, and no call of something outside."""


def _hides_a_slip(case: Case, error: Failure | None, ours: Exchange) -> bool:
    """Whether the answer is as it should be, and calls are missing because of a slip."""
    is_slip = error is not None and not _SLIPS.isdisjoint({error.type, *error.bases})
    wanted = {call.name for call in calls_of(case.expected, ours.number)}
    return is_slip and bool(wanted - {call.name for call in calls_of(case.got, ours.number)})


def is_about_a_value(error: Failure) -> bool:
    """Whether it says that a value makes no sense, for which a client can be at fault."""
    return "ValueError" in {error.type, *error.bases}


@rule("error-hidden", "log", "arguments", "work-order", "calls")
def error_logged(case: Case) -> Finding | None:
    """Finds it in the log, where the learner's `except` has written it."""
    for log in case.got.logs:
        error = Failure(log.error or "", log.error_text, log.line)
        if log.error in (None, "TimeoutError") or log.line is None:
            continue  # the second may be that of a limit of one's own
        if is_a_collaborators(case, error):
            continue
        if any(theirs.error == log.error for theirs in case.expected.logs):
            continue
        return Finding(
            log.line,
            f"{at_line(log.line)} raises {named(error)}. That is an error in the program, and "
            f"your `except` logs it as if the work had failed.{_with_space(note_on(error))}",
        )
    return None


@rule("unhandled-error", "status", "body", "secret", "media-type", "lines")
def unhandled(case: Case) -> Finding | None:
    """A call fails, and nothing handles it, so the client gets a 500.

    Other services fail now and then: they refuse, take too long, or hang up. A 500 says that
    your program is broken. A 502 or 504 says that something behind it is.

    Instead: catch what the call can raise, there, and raise the `HTTPException` that the task
    names. Around a `TaskGroup` that is `except*`, with the class of the error inside the group.
    """
    for ours, theirs in case.exchanges():
        error = ours.raised
        if error is None or (ours.status or 500) != 500 or theirs.raised is not None:
            continue
        if theirs.status == 500 or error.text in _CLOSED or _own(case, error) is not None:
            continue
        line = error.line or ours.line
        return Finding(
            line,
            f"{at_line(line)} lets {_what_comes_through(error)} through, and nothing catches it: "
            f"{ours.method} {ours.path} is answered with status 500, and should be answered with "
            f"{theirs.status}.{_why_not_caught(case, error)}",
        )
    return None


@rule("unhandled-error", "body")
def left_to_the_server(case: Case) -> Finding | None:
    """Finds it where a 500 is asked for, by the words that the server has for it."""
    for ours, theirs in case.exchanges():
        error = ours.raised
        is_servers = ours.status == theirs.status == 500 and ours.text == _SERVERS_WORDS
        if error is None or not is_servers or theirs.text == _SERVERS_WORDS:
            continue
        line = error.line or ours.line
        return Finding(
            line,
            f"{at_line(line)} lets {_what_comes_through(error)} through, and nothing catches it. "
            f"The server has answered {ours.method} {ours.path} in its own words, "
            f"{_SERVERS_WORDS!r}.",
        )
    return None


_SERVERS_WORDS = "Internal Server Error"


def _what_comes_through(error: Failure) -> str:
    inside = list(dict.fromkeys(one.type for one in error.within))
    if not inside:
        return with_article(error.type)
    return f"{with_article(error.type)} with {in_words(map(with_article, inside))} in it"


def _why_not_caught(case: Case, error: Failure) -> str:
    source = Source(case.source)
    if error.within:
        inside = in_words(dict.fromkeys(one.type for one in error.within))
        if source.handles_groups(error.line):
            return f" Your `except*` names other classes: {inside} is what is inside the group."
        if source.with_holds_groups(error.line):
            return (
                f" The group, with the {inside} in it, is raised where the `async with` block "
                "ends: an `except*` inside the block never meets it."
            )
        return (
            " A TaskGroup raises its errors in a group, even a single one, and `except` doesn't "
            f"look inside: `except*` does, and there it is {inside}."
        )
    if error.type == "TimeoutError" and source.with_holds_handlers(error.line):
        return (
            " The TimeoutError is raised where the `async with` block ends: an `except` inside "
            "the block never meets it."
        )
    return _with_space(note_on(error))


@rule("scenario-fault-unhandled")
def scenario_fault_unhandled(case: Case) -> Finding | None:
    """A database or an upstream fails on purpose here, and the app doesn't expect it.

    The check lets a statement, a connection or a request fail, as happens in life: a server
    restarts, a deadlock is broken up, a query is cancelled. The driver raises its own error.

    Instead: catch the driver's error where you call it, and answer as the task says.
    """
    for ours, theirs in case.exchanges():
        error = ours.raised or ours.handled
        if error is None or ours.status == theirs.status or theirs.raised is not None:
            continue
        if (theirs.status or 0) < 400 and not _has_failures(case.expected):
            continue  # the reference was through before it, and says nothing of this answer
        name = _failing_service(case, error)
        if name is not None:
            line = error.line or ours.line
            return Finding(
                line,
                f"{at_line(line)} meets {with_article(error.type)}: {_how_it_fails(name, error)}. "
                f"{ours.method} {ours.path} is answered with status {ours.status}, and should be "
                f"answered with {theirs.status}.{_which_except(case, error)}",
            )
    return None


def _has_failures(trace: Trace) -> bool:
    return any(span.how == "failed" for span in trace.spans)


def _which_except(case: Case, error: Failure) -> str:
    """The question that helps where several clauses could have met the error."""
    several = Source(case.source).handlers_around(error.line) > 1
    return " Which `except` comes first?" if several else ""


_OVER = "connection is closed", "released back to the pool"
"""What drivers say when a connection is used after its end."""


def _how_it_fails(name: str, error: Failure) -> str:
    if any(text in error.text for text in _OVER):
        return "the connection that it uses was lost, and stays lost"
    return f"this check lets the server behind {name} fail there"


def _failing_service(case: Case, error: Failure) -> str | None:
    """The service whose fault in the scenario an error comes from."""
    for name, given in case.scenario.collaborators.items():
        match given:
            case Postgres(faults=faults) | Mongo(faults=faults):
                if faults and _DRIVERS & {error.type, *error.bases}:
                    return name
            case Upstream():
                if _HTTP & {error.type, *error.bases} and _fails(given):
                    return name
    return None


def _fails(upstream: Upstream) -> bool:
    replies = [reply for replies in upstream.routes.values() for reply in replies]
    return upstream.refuses != 0 or any(r.drops or r.status >= 500 for r in replies)


_DRIVERS = {
    "PostgresError",
    "InterfaceError",
    "OperationalError",
    "DatabaseError",
    "DBAPIError",
    "PyMongoError",
    "ConnectionDoesNotExistError",
}
_HTTP = {"HTTPError", "RequestError", "HTTPStatusError", "TransportError", "ClientError"}
"""What drivers and clients raise if their server fails, or is asked for what it refuses."""


def _own(case: Case, error: Failure) -> Failure | None:
    """The error, or the first one of a group, that no collaborator has raised."""
    for one in error.within or (error,):
        if not _MEANT & {*one.bases} and not is_a_collaborators(case, one):
            return msgspec.structs.replace(one, line=one.line or error.line)
    return None if error.within or is_a_collaborators(case, error) else error


def is_a_collaborators(case: Case, error: Failure) -> bool:
    """Whether a collaborator raised the error, or a timeout around one did."""
    if {"TimeoutError", "OperationalError"} & {*error.bases} or error.text in _CLOSED:
        return True
    if _failing_service(case, error) is not None:
        return True
    return any(
        theirs.type == error.type and theirs.text in error.text
        for theirs in errors_of(case.scenario)
    )


def errors_of(scenario: Scenario) -> Iterator[Error]:
    """Every error that a scenario's collaborators raise."""
    for collaborator in scenario.collaborators.values():
        yield from errors_in(collaborator)


def errors_in(described: object) -> Iterator[Error]:
    """The errors in a description, however deep: in steps, cases, members and methods."""
    return (part for part in parts_of(described) if isinstance(part, Error))


def named(error: Failure) -> str:
    """An error's class and text, on one line."""
    text = _ADVERTISED.sub("", " ".join(error.text.split()))
    return shortened(f"{error.type}: {text}".rstrip(": ."), LONGEST_ERROR)


LONGEST_ERROR = 220
"""Characters of an error that are shown."""

_ADVERTISED = re.compile(r" For further information visit \S+")
"""What Pydantic writes after each error."""


def _sentence_of(error: Failure, endpoint: int | None, wanted: int | None) -> str:
    """What was raised: by a line, or by FastAPI about what the endpoint returned."""
    if "response already started" in error.text:
        return (
            f"{at_line(error.line)} raises an HTTPException after the response has begun: "
            "the client has its status already. Until when can a request be refused?"
        )
    if error.context == "HTTPException":
        return _of_http_exception(error)
    if error.line is not None:
        note = _with_space(note_on(error, wanted))
        return f"Line {error.line} raises {named(error)}.{note}"
    note = note_on(error)
    if "must be callable" in error.text:
        return f"The endpoint{of_line(endpoint)} gives `add_task` no function. {note}"
    if error.type == "RuntimeError":
        return f"Answering the request fails with {named(error)}.{_with_space(note)}"
    start = f"What the endpoint{of_line(endpoint)} returns can't be turned into an answer"
    if note:
        return f"{start}. {note}"
    return (
        f"{start}: {_cause_of(error)}. Only what JSON has a form for can be sent: "
        "dicts, lists, strings, numbers."
    )


def _of_http_exception(error: Failure) -> str:
    """That the HTTPException of a line can't become an answer."""
    raises = f"{at_line(error.line)} raises an HTTPException"
    if "websocket." in error.text:
        return (
            f"{raises} over a WebSocket that is accepted already, so there is no response left "
            "that could have a status. What can you tell its client instead?"
        )
    says = f"{raises} that can't be turned into an answer ({named(error)})"
    if "no attribute 'encode'" in error.text:
        return f'{says}. The value of a header is a string: `"5"`, not `5`.'
    return f"{says}. Which of its arguments is the status, and which the detail?"


def _cause_of(error: Failure) -> str:
    """The first error in a text that holds several."""
    found = re.search(r"\w+Error\(['\"](.+?)['\"]\)", error.text)
    return found[1] if found else named(error)


def _with_space(note: str) -> str:
    return f" {note}" if note else ""
