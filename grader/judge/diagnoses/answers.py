"""Wrong answers: the wrong status, too much or too little said, or said to the wrong one."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import accumulate, combinations
from urllib.parse import unquote

import msgspec

from ...model.scenarios import InTurn, Rows
from ...model.trace import AROUND, Exchange, Span, Trace
from ..aspects.answers import done, gives_away, good_answers, statuses
from ..aspects.calls import arguments, call_counts, calls_after_answer
from ..differences import as_text, shortened
from .case import Case, at_line, calls_of, error_line, in_seconds, in_words, of_line, with_article
from .errors import RETURNED, errors_of, is_about_a_value, named
from .registry import Finding, rule
from .relayed import statements_of, writes
from .source import Source
from .timing import awaited_in_turn
from .variations import one_by_one, without_waiting

_LONGEST_QUERY = 60
_LONGEST_BODY = 200
"""Characters of a request's query, and of its body or of several, that are shown."""
_PLACES = ("path", "query", "header", "cookie", "body")
"""Where FastAPI looks for parameters."""


@rule("missing-route")
def missing_route(case: Case) -> Finding | None:
    """The app has no route for this method and path, so the router answers 404 or 405.

    The path of a route is compared as it is, with its prefixes: a router with
    `prefix="/items"` and a route "/items" answers at /items/items. A factory that
    returns before its last route is declared doesn't have that route.

    Instead: `print(app.routes)`, or look at /docs: is the path there, once, with this method?
    """
    for ours, theirs in case.exchanges():
        unknown = ours.status in (404, 405) and theirs.status != ours.status
        is_routers = ours.json() in ({"detail": "Not Found"}, {"detail": "Method Not Allowed"})
        is_known = ours.status == 404 and ours.line is not None
        if unknown and is_routers and not is_known and not _has_begun(case, ours):
            return Finding(
                None,
                f"The app has no route for {ours.method} {ours.path}, so the answer is "
                f"{ours.status}. Is one declared, with exactly this path and this method?",
            )
    return None


def _has_begun(case: Case, exchange: Exchange) -> bool:
    """Whether code of the learner's has done anything for it."""
    spans = (span for span in case.got.spans if span.kind not in AROUND)
    return any(span.exchange == exchange.number for span in spans)


@rule("not-called", general=True)
def not_called(case: Case) -> Finding | None:
    """The app doesn't use what its factory is given.

    A factory's parameters are how an app gets what it needs from outside: a fetch, a database,
    in tests a stand-in for them. Code that calls a function of the module instead
    can't be tested, and doesn't do what it was asked for.

    Instead: call the parameter.
    """
    calls = {span.name for span in case.got.spans if span.kind == "call"}
    wanted = {span.name for span in case.expected.spans if span.kind == "call"}
    later = {span.name for span, _ in calls_after_answer(case.expected)}  # see `work-lost`
    answered = any(exchange.is_success for exchange in case.got.exchanges)
    missing = sorted(wanted & {*case.scenario.collaborators} - calls - later) if answered else []
    for name in missing:
        line = next((e.line for e in case.got.exchanges if e.is_success), None)
        if isinstance(case.scenario.collaborators[name], Rows):
            return Finding(
                line,
                f"No row of {name} is ever asked for. Calling it runs none of it: that only "
                "makes a generator, which runs while something goes through its rows.",
            )
        if Source(case.source).uses(name):
            return _answered_without(case, name)
        return Finding(
            line,
            f"Your app never calls {name}, which the factory is given as a parameter. "
            "Does your code call something else in its place?",
        )
    return None


def _answered_without(case: Case, name: str) -> Finding | None:
    """Of a request for which the reference makes a call, and the learner's code doesn't."""
    for ours, theirs in case.exchanges():
        if calls_of(case.expected, theirs.number, name):
            return Finding(
                ours.line,
                f"{_asked(case, ours)} is answered{of_line(ours.line)} without calling {name}, "
                "which it should call. What answers it before that?",
            )
    return None


@rule("error-leaked", "secret", "body")
def error_leaked(case: Case) -> Finding | None:
    """The answer holds the text of an error.

    Errors of drivers and clients name hosts, paths, queries, sometimes passwords. Anyone who
    can make a request fail can read them then.

    Instead: log the error with its traceback, and answer with a sentence of your own that says
    no more than the client needs.
    """
    secrets = [error.text for error in errors_of(case.scenario) if len(error.text) > 4]
    for ours, theirs in case.exchanges():
        for secret in secrets:
            if gives_away(ours, secret) and not gives_away(theirs, secret):
                line = ours.handled.line if ours.handled else ours.line
                return Finding(
                    line,
                    f"The answer to {ours.method} {ours.path}{of_line(line)} holds the text of "
                    f"the error, or a part of it ({secret[:40]!r}). Such texts name hosts, paths "
                    "and queries: they belong in the log, not in the answer.",
                )
    return None


@rule("error-leaked", "secret", "body")
def handled_error_leaked(case: Case) -> Finding | None:
    """Finds it where an `except` makes an answer of its error's text."""
    for ours, theirs in case.exchanges():
        for part in _parts_of_handled(ours):
            if ours.handled and gives_away(ours, part) and not gives_away(theirs, part):
                return Finding(
                    ours.handled.line,
                    f"The answer to {ours.method} {ours.path}{of_line(ours.handled.line)} holds "
                    f"what {with_article(ours.handled.type)} says: {shortened(part, 40)!r}. That "
                    "belongs in the log, for those who can mend it.",
                )
    return None


def _parts_of_handled(exchange: Exchange) -> list[str]:
    """What the error says in whose handler the answer was made, in parts."""
    text = exchange.handled.text if exchange.handled else ""
    return [part.strip() for part in re.split(r"\n| \[", text) if len(part.strip()) >= _TELLING]


_TELLING = 10
"""Characters of a part of an error that no answer has by chance."""


@rule("error-swallowed", "status", "body")
def error_swallowed(case: Case) -> Finding | None:
    """A call fails, and the answer looks as if it hadn't.

    A client that gets a 200 treats what is in it as the data. It stores an empty list, or an
    error's text, and nobody learns that anything is wrong. An `HTTPException` that is
    returned, not raised, is such an answer: its text with status 200.

    Instead: `raise HTTPException(502, ...)`, or let the error through. Catch only what you can
    answer for.
    """
    for ours, theirs in case.exchanges():
        lost = [s for s in calls_of(case.got, ours.number) if s.how in ("failed", "cancelled")]
        if lost and 200 <= (ours.status or 0) < 300 and (theirs.status or 0) >= 400:
            line = case.call_line(lost[0])
            return Finding(
                line,
                f"{lost[0].name}{of_line(line)} {_how_it_ends(lost[0])}, but the answer is still "
                f"{ours.status}, not {theirs.status}. {_how_it_is_returned(ours)}",
            )
    return None


def _how_it_ends(call: Span) -> str:
    return "fails" if call.how == "failed" else "is cut off"


def _how_it_is_returned(exchange: Exchange) -> str:
    if _is_returned_refusal(exchange):
        return RETURNED
    body = exchange.json()
    if isinstance(body, list) and len(body) == 2 and body[1] in _ERRORS:
        return f"The {body[1]} beside the body is data, too: raise an `HTTPException`."
    return "The client treats what is in it as the data."


def _is_returned_refusal(exchange: Exchange) -> bool:
    body = exchange.json()
    return isinstance(body, dict) and {"status_code", "detail"} <= body.keys()


_ERRORS = range(400, 600)
"""Statuses that say that something failed."""


@rule("failure-unsaid", "status", "body")
def failure_unsaid(case: Case) -> Finding | None:
    """A part of the answer is missing, and nothing in it says so.

    When one of several sources fails, the others' results are still worth sending. But a
    client that isn't told what is missing can't tell "nothing there" from "couldn't look".

    Instead: name what failed in the answer, in a place of its own.
    """
    types = {error.type for error in errors_of(case.scenario)}
    for ours, theirs in case.exchanges():
        unsaid = [name for name in types if name not in ours.text]
        is_unsaid = any(name in theirs.text for name in unsaid)
        lost = {one.name for one in calls_of(case.expected, theirs.number) if one.how != "done"}
        for call in calls_of(case.got, ours.number) if ours.is_success else ():
            is_named = _says_something_of(call.name, ours.json())
            is_gone = call.how == "cancelled" and call.name in lost and call.name in theirs.text
            is_lost = is_unsaid or (is_gone and call.name not in ours.text)
            if call.how in ("failed", "cancelled") and is_lost and not is_named:
                line = case.call_line(call)
                return Finding(
                    line,
                    f"{call.name}{of_line(line)} {_how_it_ends(call)}, and the answer doesn't "
                    "say so. The client can't know that something is missing."
                    f"{_what_cut_it_off(case, call)}",
                )
    return None


@rule("missing-member", "status", "body", general=True)
def cut_off_by_another(case: Case) -> Finding | None:
    """Finds it where a call is cut off because another one fails, and the answer goes on."""
    for ours, theirs in case.exchanges():
        cut = {call.name for call in calls_of(case.expected, theirs.number) if _is_cut(call)}
        for call in calls_of(case.got, ours.number) if ours.is_success else ():
            other = _failed_when_cut(case, call)
            if other is not None and call.name not in cut:
                line = case.call_line(call)
                return Finding(
                    line,
                    f"{call.name}{of_line(line)} is cut off when {other.name} fails, and the "
                    "answer lacks what it would have come to. What cancels it?",
                )
    return None


def _what_cut_it_off(case: Case, call: Span) -> str:
    """A question about the failure at whose moment a call was cancelled."""
    other = _failed_when_cut(case, call)
    return f" What cancels it when {other.name} fails?" if other is not None else ""


def _failed_when_cut(case: Case, call: Span) -> Span | None:
    """The call by whose failure another one seems to be cancelled: it is at that moment."""
    others = calls_of(case.got, call.exchange or 0) if _is_cut(call) else ()
    failed = (other for other in others if other.how == "failed")
    return next((other for other in failed if other.end.tick == call.end.tick), None)


def _is_cut(call: Span) -> bool:
    return call.how == "cancelled"


def _says_something_of(name: str, body: object) -> bool:
    """Whether a text names it, or stands under that name, somewhere in a body of JSON."""
    if isinstance(body, str):
        return name in body
    if isinstance(body, list):
        return any(_says_something_of(name, element) for element in body)
    if not isinstance(body, dict):
        return False
    return _has_text(body.get(name)) or any(_says_something_of(name, v) for v in body.values())


def _has_text(value: object) -> bool:
    """Whether a value of JSON is a text, or a structure with one in it."""
    if isinstance(value, dict | list):
        return any(map(_has_text, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and bool(value)


@rule("wrong-error-name", "status", "body", general=True)
def wrong_error_name(case: Case) -> Finding | None:
    """The answer says that something failed, but not under the name that was asked for.

    An error's class, its text and its `repr` are three things. Only the class is short, the
    same each time, and gives nothing away.

    Instead: `type(error).__name__`.
    """
    for ours, theirs in case.exchanges():
        if not ours.is_success:
            continue
        for call in calls_of(case.got, ours.number):
            missing = _class_asked_for(case, call, theirs.json())
            is_unsaid = call.how == "failed" and missing not in ours.text
            if missing and is_unsaid and _says_something_of(call.name, ours.json()):
                return Finding(
                    ours.line,
                    f"The answer to {ours.method} {ours.path}{of_line(ours.line)} says something "
                    f"of {call.name}, but not the name of its error's class, which is {missing}.",
                )
    return None


def _class_asked_for(case: Case, call: Span, wanted: object) -> str:
    """The name of an error's class that should stand in an answer under the name of a call."""
    types = {error.type for error in errors_of(case.scenario)}
    text = _text_under(call.name, wanted)
    return text if text in types else ""


def _text_under(name: str, body: object) -> str:
    if not isinstance(body, dict):
        return ""
    value = body.get(name)
    if isinstance(value, str):
        return value
    return next(filter(None, (_text_under(name, inner) for inner in body.values())), "")


@rule(
    "race", "status", "body", "arguments", "calls", "readings", "resources", "secret", general=True
)
def race(case: Case) -> Finding | None:
    """Requests get the right answers one at a time, and wrong ones together.

    At each `await` other requests run. What two of them share, such as a module's variable or
    `app.state`, may have changed after the `await`, though there is only one thread.

    Instead: keep a request's data in local variables, which nothing else can see. What has to
    be shared is read, changed and written without an `await` in between, or under a lock.
    """
    alone = one_by_one(case.scenario)
    if alone is None or case.aspect is None or _has_plainer_cause(case):
        return None
    if case.depends_on_time() or _is_about_room(case) or _is_live(case):
        return None
    if not _meet(case.got) or all(part(case.got) == part(case.expected) for part in _SHOWING):
        return None
    if not _differs_within(case, len(alone.requests)):
        return None
    got, expected = case.replay(alone)
    right = all(aspect(got) == aspect(expected) for aspect in (statuses, case.aspect))
    if got.outcome.kind != "finished" or not right or _is_of_its_moment(case, expected):
        return None
    line = _shared_wait(case)
    where = f" While one waits at line {line}," if line else " While one waits,"
    return Finding(
        line,
        "Requests get in each other's way: one at a time they get the right answers, together "
        f"they don't.{where} another changes what both use. {_where_to_look(case, line)}",
    )


def _is_of_its_moment(case: Case, apart: Trace) -> bool:
    """Whether an answer is wrong because of when it was asked for, as a limit for each minute is.

    Far apart, requests have other right answers then. At their own moments, with nothing to wait
    for, only what is wrong without others stays wrong.

    Args:
        apart: what the reference did with the requests one by one.
    """
    if statuses(apart) == statuses(case.expected)[: len(apart.exchanges)]:
        return False
    close = without_waiting(case.scenario)
    if close is None:
        return False
    got, expected = case.replay(close)
    return statuses(expected) != statuses(case.expected) or not case.holds_for(got, expected)


def _is_live(case: Case) -> bool:
    """Whether a client hears what others do: alone, it hears nothing that could be wrong."""
    return any(
        one.method == "WEBSOCKET" or one.header("content-type").startswith("text/event-stream")
        for one in case.expected.exchanges
    )


def _where_to_look(case: Case, line: int | None) -> str:
    refused = _raises(case, "IntegrityConstraintViolationError", "IntegrityError")
    if refused or _looks_then_writes(case):
        return "Which statement only looks, and which one relies on it later?"
    if line in {span.line for span in case.got.spans if span.kind == "statement"}:
        return "What can happen to the rows between two statements?"
    return "What in your code lives longer than one request?"


def _looks_then_writes(case: Case) -> bool:
    """Whether a request that is answered wrongly reads from a database, and then writes."""
    wrong = [ours for ours, its in case.exchanges() if ours.status != its.status]
    asked = [statements_of(case, case.got, exchange) for exchange in wrong]
    return any(len(each) > 1 and not writes(each[0]) and writes(each[-1]) for each in asked)


def _differs_within(case: Case, count: int) -> bool:
    """Whether one of the first `count` requests is answered wrongly, or makes other calls.

    One that should be told that there is no room, or no time, is told so for the others: that
    isn't a race.
    """
    pairs = [pair for pair in [*case.exchanges()][:count] if (pair[1].status or 500) < 500]
    return any(
        good_answers(case.got)[ours.number] != good_answers(case.expected)[theirs.number]
        or _given(case.got, ours) != _given(case.expected, theirs)
        for ours, theirs in pairs
    )


def _given(trace: Trace, exchange: Exchange) -> list[str]:
    return sorted(
        f"{span.name} {as_text(list(span.arguments))}" for span in calls_of(trace, exchange.number)
    )


def _has_plainer_cause(case: Case) -> bool:
    """Whether something is wrong with each request that would be so without the others."""
    if _raises(case, "DataError"):
        return True  # a driver was given a value of another type than it takes
    return bool(case.incidents("never-awaited")) or awaited_in_turn.look(case) is not None


def _is_about_room(case: Case) -> bool:
    """Whether a request is refused, or waits in vain, because there are others besides it."""
    return any(
        ours.status in _NO_ROOM or theirs.status == UNAVAILABLE or _has_found_no_room(ours)
        for ours, theirs in case.exchanges()
        if ours.status != theirs.status
    )


UNAVAILABLE = 503
_NO_ROOM = {429, UNAVAILABLE}
"""What clients are told for whom there is no room. Where 429 should be said and isn't, a count of
what each of them has asked is at stake, and that may well be a race."""


def _has_found_no_room(exchange: Exchange) -> bool:
    """Whether an error says that there was no room in a pool, or in a queue."""
    error = exchange.raised or exchange.handled
    return error is not None and not _FULL.isdisjoint((error.type, *error.bases))


_FULL = {"PoolTimeout", "TooManyRequests", "QueueFull"}
"""Classes of such errors. A TimeoutError isn't one: the limit may itself be what they share."""


def _raises(case: Case, *kinds: str) -> bool:
    """Whether a request has failed with an error of one of these classes."""
    errors = (exchange.raised for exchange in case.got.exchanges)
    return any(error and not set(kinds).isdisjoint(error.bases) for error in errors)


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


_SHOWING: tuple[Callable[[Trace], object], ...] = (good_answers, arguments, call_counts)
"""In what a race shows: what was answered and done, not when."""


def _shared_wait(case: Case) -> int | None:
    """A line at which a request waits whose answer is wrong: others run in the meantime."""
    for ours, theirs in case.exchanges():
        if (ours.status, ours.body) != (theirs.status, theirs.body):
            return next((wait.line for wait in case.waits(ours.number)), None)
    return None


@rule("request-refused")
def request_refused(case: Case) -> Finding | None:
    """FastAPI refuses a request that should be accepted, with status 422.

    It compares each request with the endpoint's parameters before your code runs. A parameter
    of a plain type is looked for in the query; a Pydantic model or a dict is the body. A
    parameter without a default must be there.

    Instead: read what the answer says: where it looked, for which name, and what it found.
    """
    for ours, theirs in case.exchanges():
        why = _why_invalid(case, ours, theirs) if ours.status == 422 != theirs.status else ""
        if why:
            return Finding(
                ours.line,
                f"{_asked(case, ours)} is answered with status 422, and should be answered with "
                f"{theirs.status}. What isn't valid: {why}",
            )
    return None


def _why_invalid(case: Case, exchange: Exchange, wanted: Exchange) -> str:
    """What FastAPI says of a request, about the first thing that it misses or cannot read.

    Empty if it is not FastAPI that says it.
    """
    body = exchange.json()
    errors = body.get("detail") if isinstance(body, dict) else None
    if not isinstance(errors, list) or not errors or not isinstance(errors[0], dict):
        return ""
    place = [str(step) for step in errors[0].get("loc", ())]
    said = f"{': '.join(filter(None, (' → '.join(place), str(errors[0].get('msg')))))}."
    if errors[0].get("type") != "missing":
        return said
    if Source(case.source).must_be_there(place[-1]):
        return f"{said} It may be None, but it can't be left out without a default, as in `= None`."
    if (wanted.status or 0) >= 400:  # it is left out on purpose
        return f"{said} It may be missing, so it needs a default. Which one?"
    return said + _where_it_looks(place)


def _where_it_looks(place: list[str]) -> str:
    """What an endpoint wants that isn't there, though the request is a right one."""
    if place == ["body"]:
        return " Your endpoint wants a body. Does the client send one?"
    if len(place) > 1 and place[0] in _PLACES:
        return (
            f" Your endpoint looks for {place[-1]} in the {place[0]}. Where does the client "
            "send it?"
        )
    return ""


@rule("request-refused", "status", "body")
def refused_by_own_code(case: Case) -> Finding | None:
    """Finds it where the learner's code makes a refusal of a value that it can't read."""
    for ours, theirs in case.exchanges():
        error = ours.handled
        is_refused = 400 <= (ours.status or 0) < 500 and (theirs.status or 500) < 400
        if is_refused and error is not None and is_about_a_value(error):
            return Finding(
                error.line or ours.line,
                f"{at_line(error.line)} raises {named(error)}. Because of that your code refuses "
                f"{_asked(case, ours)} with status {ours.status}, which should be answered with "
                f"{theirs.status}.",
            )
    return None


@rule("bad-request-accepted", "status", "body", "arguments", "readings")
def bad_request_accepted(case: Case) -> Finding | None:
    """A request that makes no sense is accepted.

    Data that doesn't fit is cheapest to refuse at the door. Further in it becomes a 500, or it
    is stored, and breaks something else later.

    Instead: say in the endpoint's signature what fits: a Pydantic model, `dict`, `int`. FastAPI
    answers 422 for whatever doesn't, and says why.
    """
    wrong = [(ours, its) for ours, its in case.exchanges() if ours.status != its.status]
    accepted = [e for e, its in wrong if its.status == 422 and (e.status or 500) < 400]
    if not accepted or accepted[0] is not wrong[0][0]:
        return None
    ours = accepted[0]
    same = [e for e in accepted if (e.method, e.path) == (ours.method, ours.path)]
    question = "Which type or rule of yours should have refused it?"
    why = RETURNED if _is_returned_refusal(ours) else question
    return Finding(
        ours.line,
        f"{ours.method} {_target(case, ours)}{_with_bodies(case, same)} is answered with status "
        f"{ours.status}{of_line(ours.line)}, and should be refused with 422. {why}",
    )


def _with_bodies(case: Case, exchanges: list[Exchange]) -> str:
    """The bodies of some requests, in words: as many as have room, and the first at least."""
    bodies = list(dict.fromkeys(_body_of(case, exchange) for exchange in exchanges))
    if not any(bodies):
        return ""
    lengths = accumulate(map(len, bodies))
    room = max(1, sum(length <= _LONGEST_BODY for length in lengths))
    more = [f"{len(bodies) - room} more"] if bodies[room:] else []
    return f" with the bod{'ies' if bodies[1:] else 'y'} {in_words(bodies[:room] + more)}"


def _asked(case: Case, exchange: Exchange) -> str:
    """The request in words: with its body, if it has one."""
    body = _body_of(case, exchange)
    with_ = f" with the body {body}" if body else ""
    return f"{exchange.method} {_target(case, exchange)}{with_}"


def _target(case: Case, exchange: Exchange) -> str:
    """The path of a request, with the query that the scenario gives it."""
    request = case.scenario.requests[exchange.number]
    query = unquote("&".join(filter(None, (request.path.partition("?")[2], request.query))))
    return f"{exchange.path}?{shortened(query, _LONGEST_QUERY)}" if query else exchange.path


def _body_of(case: Case, exchange: Exchange) -> str:
    text = case.sent(exchange).decode("utf-8", "replace")
    return shortened(re.sub(r"\s*[\r\n]\s*", " ", text), _LONGEST_BODY)


@rule("wrong-status", general=True)
def wrong_status(case: Case) -> Finding | None:
    """An answer has the wrong status.

    The status is what programs look at first: whether to use the answer, to ask again, or to
    give up. FastAPI answers 200 unless you say otherwise, and 500 when an error gets through.

    Instead: `status_code=201` in the decorator, or `raise HTTPException(404, ...)`. Mind the
    order of `except` clauses: the first that fits is taken, and `HTTPException` is an
    `Exception`, too.
    """
    for ours, theirs in case.exchanges():
        if ours.status != theirs.status:
            return Finding(error_line(ours), _about_status(case, ours, theirs))
    return None


def _about_status(case: Case, ours: Exchange, theirs: Exchange) -> str:
    asked = _asked(case, ours)
    if ours.status is None:
        return f"{asked} gets no answer{of_line(ours.line)}. It should get {theirs.status}."
    said = f"{asked} is answered with status {ours.status}{of_line(ours.line)}"
    if theirs.status is None:
        return f"{said}, {_why_unanswered(case, ours, theirs)}."
    said = f"{said}, and should be answered with {theirs.status}."
    if ours.header("location"):
        return f"{said} It sends the client on to {ours.header('location')}: is that your path?"
    if ours.handled is not None:
        error = f"{with_article(ours.handled.type)}{of_line(ours.handled.line)}"
        several = Source(case.source).handlers_around(ours.handled.line) > 1
        question = " Which `except` comes first?" if several else ""
        return f"{said} Your `except` turns {error} into that.{question}"
    if _is_returned_refusal(ours):
        return f"{said} {RETURNED}"
    return said + _why_other_status(case, ours, theirs)


def _why_unanswered(case: Case, ours: Exchange, theirs: Exchange) -> str:
    """What ends a request that should get no answer, and whether the answer came before that."""
    is_cancelled = case.is_cancelled(theirs)
    gone = theirs.returned if is_cancelled else theirs.hung_up
    after = gone.tick - theirs.started.tick if gone else 0
    if (done(ours) or 0) < after:
        whose = "the server cancels it" if is_cancelled else "its client leaves"
        return f"and should still be under way when {whose}, after {in_seconds(after)}"
    return f"though {'the server has cancelled it' if is_cancelled else 'its client has left'}"


def _is_asked_again(case: Case, earlier: Exchange, later: Exchange) -> bool:
    """Whether two requests are the same but for their moments."""
    one, other = (case.scenario.requests[exchange.number] for exchange in (earlier, later))
    return msgspec.structs.replace(one, at=other.at) == other


def _why_other_status(case: Case, ours: Exchange, theirs: Exchange) -> str:
    """What is known of a status that no `except` explains."""
    failed = next((s for s in calls_of(case.got, ours.number) if s.how == "failed"), None)
    raised = [error.status for error in errors_of(case.scenario)]
    if failed and theirs.status in raised and all(raised):
        line = of_line(case.call_line(failed))
        return f" {failed.name}{line} fails with an HTTPException of that status, which is lost."
    earlier = case.got.exchanges[: ours.number]
    if any(one.status == theirs.status and _is_alike(case, one, ours) for one in earlier):
        return (
            f" The same request was answered with {theirs.status} before. What has changed since?"
        )
    return _not_a_status(ours, theirs)


def _not_a_status(ours: Exchange, theirs: Exchange) -> str:
    """Where the status stands in the answer itself."""
    body = ours.json()
    if isinstance(body, list) and body[1:] == [theirs.status]:
        return (
            f" The answer is a list with {theirs.status} in it: what follows a comma after "
            "`return` is data, too. Set the status in the decorator, or raise an HTTPException."
        )
    return ""


def _is_alike(case: Case, earlier: Exchange, later: Exchange) -> bool:
    """Whether two requests are the same, and so is all that the calls made for them gave."""
    ends, its = (
        [(call.name, call.how) for call in calls_of(case.got, one.number)]
        for one in (earlier, later)
    )
    is_given_the_same = not any(_gives_different(case, name) for name, _ in ends)
    return ends == its and is_given_the_same and _is_asked_again(case, earlier, later)


def _gives_different(case: Case, name: str) -> bool:
    """Whether what a collaborator gives depends on how often it was called before."""
    given = case.scenario.collaborators.get(name)
    return isinstance(given, InTurn) and any(step != given.steps[0] for step in given.steps)


@rule("wrong-header", "headers", general=True)
def wrong_header(case: Case) -> Finding | None:
    """An answer lacks a header that it should have, or the header says something else.

    What to do with an answer is often in its headers: how to log in (`WWW-Authenticate`),
    when to ask again (`Retry-After`), where a new thing is (`Location`).

    Instead: `HTTPException(401, "...", headers={"WWW-Authenticate": "Bearer"})`, or
    `response.headers[...]` with a `response: Response` among the endpoint's parameters.
    """
    for ours, theirs in case.exchanges():
        mine = {name: ours.header(name) for name, _ in theirs.headers}
        for name, value in theirs.headers:
            if name in _OF_THE_BODY or mine[name] == value or ours.status != theirs.status:
                continue
            line = ours.handled.line if ours.handled else ours.line
            has = f"the header {name}: {mine[name]}" if mine[name] else f"no header {name}"
            return Finding(
                line,
                f"{ours.method} {ours.path} is answered with status {ours.status}{of_line(line)}, "
                f"and with {has}. It should be {name}: {value}.",
            )
    return None


_OF_THE_BODY = ("content-length", "content-type", "date", "server")
"""Headers that say something of the body, or come from the server."""


@rule("wrong-argument", "arguments", "body", "events", "readings", general=True)
def wrong_argument(case: Case) -> Finding | None:
    """A call is given something other than what the request said.

    Between the request and the call, a value was replaced, tidied, or forgotten.

    Instead: follow it from the endpoint's parameter to the call.
    """
    of_each = [
        (calls_of(case.got, ours.number), calls_of(case.expected, theirs.number))
        for ours, theirs in case.exchanges()
    ]
    of_all = list(case.got.calls()), list(case.expected.calls())
    for made, wanted in (*of_each, of_all):
        for call in _not_among(made, wanted):
            same_name = [other for other in wanted if other.name == call.name]
            for other in (_not_among(same_name, made) or same_name)[:1]:
                line = case.call_line(call)
                return Finding(
                    line,
                    f"{at_line(line)} calls {call.name} with {_listed(call)}, but it should be "
                    f"{_listed(other)}. What happens to it on the way?",
                )
    return None


def _not_among(calls: list[Span], others: list[Span]) -> list[Span]:
    """The calls that aren't made there, with the same arguments and as often."""
    left = [(other.name, other.arguments) for other in others]
    found = []
    for call in calls:
        if (call.name, call.arguments) in left:
            left.remove((call.name, call.arguments))
        else:
            found.append(call)
    return found


@rule("wrong-argument", "arguments")
def called_with_nothing(case: Case) -> Finding | None:
    """Finds it where something is asked for by None, and nothing should be asked for."""
    for ours, theirs in case.exchanges():
        wanted = {span.name for span in calls_of(case.expected, theirs.number)}
        for call in calls_of(case.got, ours.number):
            is_asked_by_none = bool(call.arguments) and {*map(as_text, call.arguments)} == {"null"}
            if call.name not in wanted and is_asked_by_none:
                line = case.call_line(call)
                return Finding(
                    line,
                    f"{at_line(line)} calls {call.name} with None, because the client of "
                    f"{ours.path} hasn't sent what it asks for. What should happen without it?",
                )
    return None


def _listed(call: Span) -> str:
    return ", ".join(map(as_text, call.arguments))[:100] or "nothing"


DIFFERENT = "It doesn't do what the exercise asks for: compare `expected` and `got`."


@rule("different", general=True)
def different(_: Case) -> Finding | None:
    """The app doesn't do what it should, and no rule knows why.

    What the check looks at is shown: first what is expected, then what was got.

    Instead: send the requests of the picture yourself (`grade serve`), and compare.
    """
    return Finding(None, DIFFERENT)
