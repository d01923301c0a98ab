"""Plays that did not get to their end, or not even to their beginning."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...model.details import (
    ChannelLost,
    CutShort,
    Detail,
    Exited,
    FactoryMissing,
    Forged,
    ForkserverKilled,
    Killed,
    LoopBlocked,
    LoopStopped,
    NotAFunction,
    NotAnApp,
    OutOfTime,
    Patched,
    Printing,
    RaisedExit,
    Reached,
    ServerAtImport,
    TooManyProcesses,
    WrongParameters,
)
from ...model.report import Diagnosis
from ...model.scenarios import TIME_LIMIT
from ...model.trace import Failure, Outcome, OutcomeKind, Waiting
from ...processes.limits import FORKS, OUTPUT
from .case import OUTCOME, Case, at_line, of_line
from .errors import named, out_of_memory
from .notes import note_on, note_on_start
from .registry import Finding, Rule, rule
from .source import Source

Explain = Callable[[Outcome], str]


def outcome(id_: str, *kinds: OutcomeKind) -> Callable[[Explain], Rule]:
    """Declare a rule about outcomes of these kinds, from a function to words."""

    def declared(explain: Explain) -> Rule:
        def look(case: Case) -> Finding | None:
            got = case.got.outcome
            return Finding(got.line, explain(got)) if got.kind in kinds else None

        look.__doc__ = explain.__doc__
        look.__name__ = explain.__name__
        for kind in kinds:
            _EXPLAIN[kind] = (id_, explain)
        return rule(id_, OUTCOME, general=True)(look)

    return declared


_EXPLAIN: dict[OutcomeKind, tuple[str, Explain]] = {}


def explain(outcome: Outcome) -> tuple[Diagnosis, ...]:
    """Why a play did not finish, if no rule knows more; nothing if it did."""
    if outcome.kind not in _EXPLAIN:
        return ()
    id_, words = _EXPLAIN[outcome.kind]
    return (Diagnosis(id_, outcome.line, words(outcome)),)


@outcome("syntax-error", "syntax-error")
def syntax_error(outcome: Outcome) -> str:
    """The file isn't Python, so none of it runs.

    Python reads a whole file before it runs the first line. The mark stands where it could not
    read on; the mistake may be a little before that: a bracket, a colon, a quote.

    Instead: look at the line, and at the one above it.
    """
    failure = outcome.failure or Failure("SyntaxError", "")
    code = failure.traceback.expandtabs(4)
    indent = len(code) - len(code.lstrip())
    before = failure.traceback[: max(0, (failure.column or 1) - 1)].expandtabs(4)
    caret = " " * max(0, len(before) - indent) + "^"
    remedy = next((words for part, words in _REMEDIES.items() if part in failure.text), "")
    text = f"{at_line(outcome.line)} is not valid Python: {failure.text}.{remedy}"
    return f"{text}\n  {code.strip()}\n  {caret}" if code.strip() else text


_REMEDIES = {
    "'await' outside function": " It has to be within an `async def`.",
    "outside async": " The function around it has to begin with `async def`.",
    "outside of an asynchronous": " The function around it has to begin with `async def`.",
    "inconsistent use of tabs": " Some lines are indented with tabs: use spaces alone.",
    "unindent does not match": " Let it begin in the same column as the block it belongs to.",
    "unexpected indent": " It is indented further than the code before it, which opens no block.",
    "outside function": " It has to be indented, so that it is within a `def`.",
    **dict.fromkeys(
        ("U+201C", "U+201D", "U+201E", "U+2018", "U+2019", "U+00AB", "U+00BB"),
        " That isn't a quotation mark of Python's: type \" or ' in its place.",
    ),
}
"""What to do, by words of Python's that don't say it themselves."""


@outcome("import-failed", "import-failed")
def import_failed(outcome: Outcome) -> str:
    """The file can't be imported: what stands outside of functions runs then, and fails.

    The grader imports your file, as a server does, and calls the factory in it. Code at the
    left margin runs during the import: a module that isn't installed, an `input()`, a server
    that is started there.

    Instead: keep such code inside functions, or below `if __name__ == "__main__":`.
    """
    failure = outcome.failure or Failure("Exception", "")
    where = at_line(outcome.line)
    if isinstance(outcome.detail, ServerAtImport):
        return (
            f"{where} starts a server while the file is being imported, and a server runs until "
            "it is stopped. Make the app here, and leave running it to the program that imports "
            "the file."
        )
    if failure.type == "SystemExit":
        return f"{where} ends the program (sys.exit) while the file is still being imported."
    if failure.type == "EOFError":
        return (
            f"{where} asks for input while the file is being imported. A web app has no keyboard."
        )
    return f"{where} raises {named(failure)}. The file can't be imported, so none of it is played."


@outcome("factory-missing", "factory-missing")
def factory_missing(outcome: Outcome) -> str:
    """The function that makes the app isn't in the file, or not where it can be called.

    The grader gets each exercise's app by calling a function of a fixed name.

    Instead: keep the name that the stub has, at the left margin.
    """
    missing = outcome.detail if isinstance(outcome.detail, FactoryMissing) else FactoryMissing("")
    factory, meant = missing.factory, missing.meant
    if meant and meant == factory:
        return (
            f"The function {factory} (line {outcome.line}) is inside something else, where "
            "the grader can't call it to get your app. Is it indented too far?"
        )
    text = f"There is no function {factory} in the file. "
    if meant is not None:
        text += f"The one at line {outcome.line} is called {meant}. "
    return f"{text}The grader calls it by that name to get your app."


@outcome("factory-failed", "factory-failed")
def factory_failed(outcome: Outcome) -> str:
    """The function that makes the app fails, or can't be called.

    A factory only puts the app together. No event loop runs yet, so nothing can be awaited,
    connected or started as a task in it.

    Instead: what needs the loop belongs in the lifespan or in an endpoint. Leave the
    parameters' names as the stub has them: they are how the grader passes what the app needs.
    """
    if isinstance(outcome.detail, WrongParameters):
        wanted = ", ".join(outcome.detail.wanted) or "no parameters"
        return (
            f"The factory{of_line(outcome.line)} can't be called with the parameters that the "
            f"exercise gives it: {wanted}."
        )
    failure = outcome.failure or Failure("Exception", "")
    loop = "No event loop is running yet." if "loop" in failure.text else ""
    return (
        f"{at_line(outcome.line)} raises {named(failure)}, while the factory is still making "
        f"the app. {loop or note_on(failure)}".rstrip()
    )


@outcome("not-an-app", "not-an-app")
def not_an_app(outcome: Outcome) -> str:
    """The factory returns something else than an app.

    Without `return app` it returns None. An `async def` returns a coroutine.

    Instead: a plain `def` whose every path ends with `return app`.
    """
    if isinstance(outcome.detail, NotAFunction):
        factory, what = outcome.detail.factory, outcome.detail.what
        return (
            f"What the grader calls to get your app isn't a function: {factory} is {what}. "
            "Write a function of that name that makes the app and returns it."
        )
    what = outcome.detail.what if isinstance(outcome.detail, NotAnApp) else "something else"
    hint = {
        "None": "Does every path through it end with `return app`?",
        "a coroutine": "Only the endpoints are async; the factory itself is a plain `def`.",
    }.get(what, "It must return the FastAPI app.")
    return f"The factory{of_line(outcome.line)} returns {what}, which isn't an app. {hint}"


@outcome("lifespan-failed", "startup-failed")
def startup_failed(outcome: Outcome) -> str:
    """Finds it where the app could not be started."""
    failure = outcome.failure or Failure("Exception", "")
    note = note_on_start(failure, outcome.line) or NO_REQUESTS
    return f"{at_line(outcome.line)} fails when the server starts ({named(failure)}). {note}"


NO_REQUESTS = "An app whose startup fails answers no requests."


@outcome("stuck", "stuck")
def stuck(outcome: Outcome) -> str:
    """The program waits for something that can't happen any more.

    Every task waits, and nothing is left that could wake one of them: a lock that its own
    holder wants again, a queue that nothing fills, an event that nothing sets, a thread that
    waits for the loop while the loop waits for the thread.

    Instead: look for the other side: which line should have put something in, set it, or
    released it, and why doesn't that line run?
    """
    if isinstance(outcome.detail, CutShort):
        return (
            f"{at_line(outcome.line)} blocks the whole program: no other code can run while it "
            "waits, and it waited so long that the play was ended there."
        )
    if isinstance(outcome.detail, LoopBlocked):
        call = f" ({outcome.detail.call})" if outcome.detail.call else ""
        return (
            f"{at_line(outcome.line)}{call} blocks the whole program for ever: it waits for "
            "something that only other code could bring about, and no other code can run."
        )
    waits = "; ".join(_places_of(outcome.waiting)[:3])
    return (
        f"The program waits for ever: {waits or _nothing_left(outcome.line)}. "
        "No timer, task or thread is left that could end the wait. Which line should end it?"
    )


def _places_of(waiting: Iterable[Waiting]) -> list[str]:
    """Where they wait and for what; a place where several do is named once, with how many."""
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
    return f"line {line} never continues" if line else "nothing is left that could go on"


@outcome("endless-loop", "endless-loop", "ran-away")
def endless_loop(outcome: Outcome) -> str:
    """A loop doesn't end.

    Its condition never becomes false, or no other code can run that would make it so: a loop
    without an `await` keeps the event loop to itself.

    Instead: wait for what you wait for: `await event.wait()`, `await queue.get()`,
    `await task`. A loop that has to look again and again needs an end, by a count or by time.
    """
    goes_on = (
        f"goes on and on: the play was ended after {TIME_LIMIT / 60:g} minutes on the clock, or "
        "many thousands of rounds."
        if outcome.kind == "ran-away"
        else "is in a loop that doesn't end."
    )
    return (
        f"{at_line(outcome.line)} {goes_on} What would have to become true for it to stop, and "
        "can that happen while it runs?"
    )


@rule("endless-loop", OUTCOME)
def waits_by_the_clock(case: Case) -> Finding | None:
    """Finds it where a loop reads a clock until a moment has come."""
    outcome = case.got.outcome
    is_endless = outcome.kind in ("endless-loop", "ran-away")
    if not is_endless or not Source(case.source).asks_for_the_time_at(outcome.line):
        return None
    return Finding(
        outcome.line,
        f"{at_line(outcome.line)} asks for the time over and over, until a moment has come. That "
        "keeps the processor busy for nothing, and the grader's clock goes on only while your "
        "code waits. What waits until then, and lets others run?",
    )


@outcome("process-died", "process-died")
def process_died(outcome: Outcome) -> str:
    """The code ends or breaks the process that it runs in.

    An app shares its process with the server, and with all other requests. What stops the event
    loop, exits, or replaces parts of Python ends it for all of them.

    Instead: an endpoint ends by returning or by raising an `HTTPException`.
    """
    where = at_line(outcome.line)
    match outcome.detail:
        case LoopStopped():
            return (
                f"{where} stops the event loop, and with it the whole server and every other "
                "request. The loop belongs to the server; an endpoint ends by returning or raising."
            )
        case TooManyProcesses():
            return f"{where} starts one process after another. An exercise may start {FORKS}."
        case Patched(what) if what:
            return (
                f"Your code replaces {what}, which the server and the grader need as it is. Call "
                "such things; don't replace them. A play in which they were replaced doesn't count."
            )
        case Patched():
            return (
                f"{where} changes something that all of Python shares (a function of asyncio, a "
                "built-in), and the server can't go on. Call such things; don't replace them."
            )
        case Reached(how):
            return (
                f"Your code reaches into the grader: {how}. No exercise needs that, and a play in "
                "which it is done doesn't count."
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
        f"The process that ran your code died ({_in_words(outcome.detail)}). Something in the "
        "file ends the whole process, as os._exit does, or crashes it."
    )


def _in_words(detail: Detail | None) -> str:
    match detail:
        case Exited(status):
            return f"exit status {status}"
        case Killed(signal):
            return f"signal {signal}"
        case RaisedExit(exception):
            return exception
    return "for no visible reason"


@outcome("out-of-memory", "out-of-memory")
def process_out_of_memory(outcome: Outcome) -> str:
    """Finds it where the whole process was ended by it."""
    return out_of_memory(outcome.line)


@outcome("too-much", "too-much")
def too_much(outcome: Outcome) -> str:
    """The app does more in one check than the grader can look at.

    It writes down what an app does: its responses, its calls, its logs. An answer to an exercise
    comes to some kilobytes. One that sends megabytes, makes tens of thousands of calls, or nests
    a value hundreds of levels deep isn't compared any further.

    Instead: send what was asked for, and call what is needed for it. Does a loop go round too
    often, or does a value hold itself?
    """
    if isinstance(outcome.detail, OutOfTime):
        return (
            f"Playing this file has taken more than {outcome.detail.seconds} real seconds so far, "
            "so this check wasn't played. What keeps the other checks waiting?"
        )
    return (
        "Your app does too much in this check to compare: its responses, calls and logs are too "
        "many, too large or too deeply nested. Does a loop go round too often?"
    )


@outcome("output-flood", "output-flood")
def output_flood(outcome: Outcome) -> str:
    """The code prints without end.

    A `print` in a loop that waits is carried out as often as the loop looks.

    Instead: print once, when something has changed.
    """
    detail = outcome.detail
    number = detail.characters if isinstance(detail, Printing) else OUTPUT
    return (
        f"{at_line(outcome.line)} prints more than {number:,} characters. The play was ended there."
    )
