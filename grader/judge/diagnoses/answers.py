"""Wrong answers: the wrong status, the wrong body, too much or too little said."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations

from ...model.report import Diagnosis
from ...model.scenarios import Rows
from ...model.trace import Exchange, Failure, Span, Trace
from ..aspects import arguments, call_counts, gives_away, statuses
from ..differences import as_text
from .case import Case, at_line, calls_of, done, in_seconds
from .errors import errors_of
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
    """Each request alone is answered rightly; together they get in each other's way."""
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


def _why_invalid(exchange: Exchange) -> str:
    """What FastAPI says of a request, about the first thing that it misses or cannot read."""
    body = exchange.json()
    errors = body.get("detail") if isinstance(body, dict) else None
    if not isinstance(errors, list) or not errors or not isinstance(errors[0], dict):
        return f": {exchange.text[:160]}"
    place = [str(step) for step in errors[0].get("loc", ())]
    said = f" ({' → '.join(place)}: {errors[0].get('msg')})."
    if place[:1] == ["query"]:
        said += f" It looks for {place[-1]} in the address. What makes it a part of the body?"
    return said


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
            text += f" FastAPI found the request not valid{_why_invalid(ours)}"
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
