"""Plays that did not get to their end, or not even to their beginning."""

from __future__ import annotations

from collections.abc import Iterable

from ...model.details import (
    ChannelLost,
    CutShort,
    Detail,
    Exited,
    FactoryMissing,
    Forged,
    ForkserverKilled,
    Killed,
    LoopStopped,
    NotAFunction,
    NotAnApp,
    Patched,
    RaisedExit,
    Serving,
    TooManyProcesses,
    WrongParameters,
)
from ...model.report import Diagnosis
from ...model.scenarios import TIME_LIMIT
from ...model.trace import Failure, Outcome, Waiting
from ...processes.limits import FORKS, MEMORY, OUTPUT
from .case import Case, at_line

LONG = TIME_LIMIT / 2
"""Seconds of a single wait that nobody means."""


def ended_early(case: Case) -> Iterable[Diagnosis]:
    """Everything that an outcome other than `finished` means."""
    return _endless_wait(case) or explain(case.got.outcome)


def _endless_wait(case: Case) -> list[Diagnosis]:
    """A single wait that is longer than any play."""
    if case.got.outcome.kind != "ran-away":
        return []
    waits = [s for s in case.got.spans if s.kind == "wait" and s.how == "open" and s.line]
    longest = max(waits, key=lambda wait: wait.seconds, default=None)
    if longest is None or longest.seconds < LONG:
        return []
    return [
        Diagnosis(
            "wrong-time",
            longest.line,
            f"{at_line(longest.line)} ({longest.name}) waits and waits: when the play was ended, "
            f"it had been waiting for {longest.seconds:g} s. In which unit does it count?",
        )
    ]


def explain(outcome: Outcome) -> Iterable[Diagnosis]:
    """Why a play did not finish."""
    writer = _WRITERS.get(outcome.kind)
    if writer is not None:
        id_, text = writer(outcome)
        yield Diagnosis(id_, outcome.line, text)


def _syntax_error(outcome: Outcome) -> tuple[str, str]:
    failure = outcome.failure or Failure("SyntaxError", "")
    code = failure.traceback.expandtabs(4)
    indent = len(code) - len(code.lstrip())
    before = failure.traceback[: max(0, (failure.column or 1) - 1)].expandtabs(4)
    caret = " " * max(0, len(before) - indent) + "^"
    text = f"{at_line(outcome.line)} is not valid Python: {failure.text}."
    if code.strip():
        text += f"\n  {code.strip()}\n  {caret}"
    return "syntax-error", text


def _import_failed(outcome: Outcome) -> tuple[str, str]:
    failure = outcome.failure or Failure("Exception", "")
    where = at_line(outcome.line)
    if isinstance(outcome.detail, Serving):
        text = (
            f"{where} starts a server while the file is being imported, and a server runs until "
            "it is stopped. Make the app here, and leave running it to the program that imports "
            "the file."
        )
    elif failure.type == "SystemExit":
        text = f"{where} ends the program (sys.exit) while the file is still being imported."
    elif failure.type == "EOFError":
        text = (
            f"{where} asks for input while the file is being imported. A web app has no keyboard."
        )
    else:
        text = f"The file cannot be imported. {where} raises {_named(failure)}."
    return "import-failed", text


def _factory_missing(outcome: Outcome) -> tuple[str, str]:
    missing = outcome.detail if isinstance(outcome.detail, FactoryMissing) else FactoryMissing("")
    factory, meant = missing.factory, missing.meant
    if meant and meant == factory:
        return (
            "factory-missing",
            f"The function {factory} (line {outcome.line}) stands within something else, where "
            "the grader cannot call it to get your app. Is it indented too far?",
        )
    text = f"There is no function {factory} in the file. "
    if meant is not None:
        text += f"The one at line {outcome.line} is called {meant}. "
    return "factory-missing", text + "The grader calls it by that name to get your app."


def _factory_failed(outcome: Outcome) -> tuple[str, str]:
    if isinstance(outcome.detail, WrongParameters):
        wanted = ", ".join(outcome.detail.wanted) or "no parameters"
        return (
            "factory-failed",
            f"The factory does not take the parameters that the exercise gives it: {wanted}.",
        )
    failure = outcome.failure or Failure("Exception", "")
    return (
        "factory-failed",
        f"The factory itself fails before there is an app. "
        f"{at_line(outcome.line)} raises {_named(failure)}.",
    )


def _not_an_app(outcome: Outcome) -> tuple[str, str]:
    if isinstance(outcome.detail, NotAFunction):
        factory, what = outcome.detail.factory, outcome.detail.what
        return (
            "not-an-app",
            f"What the grader calls to get your app isn't a function: {factory} is {what}. "
            "Write a function of that name that makes the app and returns it.",
        )
    what = outcome.detail.what if isinstance(outcome.detail, NotAnApp) else "something else"
    hint = {
        "None": "Does every path through it end with `return app`?",
        "a coroutine": "Only the endpoints are async; the factory itself is a plain `def`.",
    }.get(what, "It must return the FastAPI app.")
    return "not-an-app", f"The factory returns {what}, which isn't an app. {hint}"


def _stuck(outcome: Outcome) -> tuple[str, str]:
    if isinstance(outcome.detail, CutShort):
        return (
            "stuck",
            f"{at_line(outcome.line)} blocks the whole program for ever: it waits for something "
            "that only other code could bring about, and no other code can run.",
        )
    waits = "; ".join(_places_of(outcome.waiting)[:3])
    return (
        "stuck",
        f"The program waits for ever: {waits or _nothing_left(outcome.line)}. "
        "No timer, task or thread is left that could end the wait. Who was to do it?",
    )


def _places_of(waiting: Iterable[Waiting]) -> list[str]:
    """Where they wait and for what; a place where several do is told once, with how many."""
    places: dict[tuple[int | None, str], list[Waiting]] = {}
    for each in waiting:
        places.setdefault((each.line, each.what or "something"), []).append(each)
    return [_place(*place, who) for place, who in places.items()]


def _place(line: int | None, what: str, who: list[Waiting]) -> str:
    if len(who) == 1:
        return f"line {line} waits for {what}"
    requests = {each.exchange for each in who}
    each_its_own = len(requests) == len(who) and None not in requests
    return f"{len(who)} {'requests' if each_its_own else 'tasks'} wait at line {line} for {what}"


def _nothing_left(line: int | None) -> str:
    return f"line {line} has nobody to go on for it" if line else "nothing is left that could go on"


def _ran_away(outcome: Outcome) -> tuple[str, str]:
    return (
        "endless-loop",
        f"{at_line(outcome.line)} goes on and on: {TIME_LIMIT / 60:g} minutes are over on the "
        "clock, or many thousand rounds. What would have to become true for it to stop, and can "
        "that happen while it runs?",
    )


def _endless(outcome: Outcome) -> tuple[str, str]:
    return (
        "endless-loop",
        f"{at_line(outcome.line)} is in a loop that does not end. "
        "What would have to become true for it to stop, and can that happen while it runs?",
    )


def _died(outcome: Outcome) -> tuple[str, str]:
    return "process-died", _death(at_line(outcome.line), outcome.detail)


def _death(where: str, detail: Detail | None) -> str:
    """What the code at `where` did to the process that ran it."""
    match detail:
        case LoopStopped():
            return (
                f"{where} stops the event loop, and with it the whole server and every other "
                "request. The loop belongs to the server; an endpoint ends by returning or raising."
            )
        case TooManyProcesses():
            return f"{where} starts one process after another. An exercise may start {FORKS}."
        case Patched():
            return (
                f"{where} changes something that all of Python shares (a function of asyncio, a "
                "built-in), and the server cannot go on. Call such things; don't replace them."
            )
        case ChannelLost():
            return f"{where} closes files or sockets that it didn't open. One was the grader's."
        case Forged():
            return (
                f"{where} writes to files or pipes that it didn't open, and the grader's own "
                "messages go through one of them. What is said that way doesn't count."
            )
        case ForkserverKilled():
            return f"{where} ends a process of the grader's. It may end only its own."
    return (
        f"The process that ran your code died ({_in_words(detail)}). Something in the file ends "
        "the whole process, as os._exit does, or crashes it."
    )


def _in_words(detail: Detail | None) -> str:
    match detail:
        case Exited(status):
            return f"exit status {status}"
        case Killed(signal):
            return f"signal {signal}"
        case RaisedExit(exception):
            return exception
    return "for no reason that can be seen"


def _out_of_memory(outcome: Outcome) -> tuple[str, str]:
    return (
        "out-of-memory",
        f"{at_line(outcome.line)} takes more memory than an exercise may have ({MEMORY >> 20} MB). "
        "What grows, and who needs all of it at once?",
    )


def _flood(outcome: Outcome) -> tuple[str, str]:
    return (
        "output-flood",
        f"{at_line(outcome.line)} prints more than {OUTPUT:,} characters. "
        "The play was ended there.",
    )


def _named(failure: Failure) -> str:
    return f"{failure.type}: {failure.text}" if failure.text else failure.type


_WRITERS = {
    "syntax-error": _syntax_error,
    "import-failed": _import_failed,
    "factory-missing": _factory_missing,
    "factory-failed": _factory_failed,
    "not-an-app": _not_an_app,
    "stuck": _stuck,
    "ran-away": _ran_away,
    "endless-loop": _endless,
    "process-died": _died,
    "out-of-memory": _out_of_memory,
    "output-flood": _flood,
}
