"""What is opened to be finished, by a commit or an abort: once, and in the right way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ...model.trace import Exchange, Span, Trace
from ..aspects.connections import calls_on, openings
from .case import Case, at_line, in_seconds, of_line
from .registry import Finding, rule

Life = tuple[Span, list[Span]]
"""The opening of something, and what was called on it, in order."""


@rule("half-stored", "resources")
def half_stored(case: Case) -> Finding | None:
    """What is only half there is committed.

    A client that leaves ends its body early. Code that takes a disconnect for the end of the body,
    or commits in `finally`, keeps half a file, and nobody can tell it from a whole one.

    Instead: commit only when the body has come to its end. `request.stream()` raises
    `ClientDisconnect` when the client leaves.
    """
    ends = _ends(case)
    for exchange, mine, its in _lives(case):
        done = [c for c in mine[1] if c.how == "done" and c.name not in _names(its)]
        call = next((call for call in done if _is_end(call, ends)), None)
        if call is not None and _last(its) not in ("", *_names(mine)):
            line = case.call_line(call)
            return Finding(
                line,
                f"{at_line(line)} calls {_method(call.name)}, though {_what_came(exchange)}: it "
                f"should end with {_method(_last(its))}.",
            )
    return None


@rule("finished-twice", "resources", "calls")
def finished_twice(case: Case) -> Finding | None:
    """Something is finished twice: committed, and then aborted.

    `finally` runs after a success, too. An abort after the commit may take away what was just
    stored.

    Instead: abort in `except BaseException:` and raise again, or note that you have committed,
    and look at that.
    """
    ends = _ends(case)
    for _, mine, its in _lives(case):
        made = Counter(_names(mine))
        extra = [call for call in mine[1] if call.name not in _names(its)]
        twice = [call for call in mine[1] if made[call.name] > 1]
        needless = [call for call in extra + twice if _is_end(call, ends)]
        if needless and _last(its) in made:
            line = case.call_line(needless[-1])
            calls = ", ".join(_method(call.name) for call in mine[1] if _is_end(call, ends))
            return Finding(
                line,
                f"{at_line(line)} calls {_method(needless[-1].name)} on what is finished already: "
                f"the calls are {calls}. When does that line run?",
            )
    return None


@rule("finished-twice", "resources", "calls")
def ended_beside_another_end(case: Case) -> Finding | None:
    """Finds it where one end is called while the other is still under way, and succeeds."""
    ends = _ends(case)
    for _, mine, its in _lives(case):
        own, should = (
            [call for call in life[1] if _is_end(call, ends) and call.how == "done"]
            for life in (mine, its)
        )
        if len(should) < 2 <= len(own) and own[1].start < own[0].end:
            first, second = own[:2]
            line = case.call_line(second)
            return Finding(
                line,
                f"{at_line(line)} calls {_method(second.name)} while {_method(first.name)} is "
                "still under way, and that succeeds a moment later. What tells this line whether "
                "it will?",
            )
    return None


@rule("left-unfinished", "resources", "calls")
def left_unfinished(case: Case) -> Finding | None:
    """Something is opened, and neither committed nor aborted.

    What was begun stays: half a file, a lock, a transaction. `except Exception` doesn't see a
    cancellation, and no `except` sees a client that leaves unless something raises.

    Instead: `except BaseException:`, abort, and `raise`; or a context manager that does it.
    """
    ends = _ends(case)
    for exchange, mine, its in _lives(case):
        end = _last(its)
        is_finished = any(_is_end(call, ends) and call.how == "done" for call in mine[1])
        if end and end not in _names(mine) and not is_finished:
            line = case.call_line(mine[0])
            return Finding(
                line,
                f"{at_line(line)} opens something that is never finished: {_method(end)} isn't "
                f"called, though {_what_came(exchange)}. Which lines still run then?",
            )
    return None


def _lives(case: Case) -> Iterator[tuple[Exchange, Life, Life]]:
    """What each exchange has opened, beside what the reference has opened for it.

    What is closed is another matter (see `resources`): a close is right at every end.
    """
    for ours, theirs in case.exchanges():
        mine, its = _lives_of(case.got, ours.number), _lives_of(case.expected, theirs.number)
        for one, other in zip(mine, its, strict=False):
            if not any(name.endswith(".close") for name in _names(other)):
                yield ours, one, other


def _lives_of(trace: Trace, number: int) -> list[Life]:
    own = [opening for opening in openings(trace) if opening.exchange == number]
    return [(opening, calls_on(trace, opening)) for opening in own]


def _names(life: Life) -> list[str]:
    return [call.name for call in life[1]]


def _last(life: Life) -> str:
    return life[1][-1].name if life[1] else ""


def _ends(case: Case) -> set[str]:
    """The calls that finish something in the reference."""
    return {_last(its) for _, _, its in _lives(case)}


def _is_end(call: Span, ends: set[str]) -> bool:
    """Whether a call finishes something: a commit, an abort, or one of these."""
    return call.name in ends or call.name.partition(".")[2] in ("commit", "abort", "rollback")


def _method(name: str) -> str:
    return f"{name.partition('.')[2]}()"


def _what_came(exchange: Exchange) -> str:
    """How a request went, in words."""
    asked = f"{exchange.method} {exchange.path}"
    if exchange.hung_up is not None:
        after = in_seconds(exchange.hung_up.tick - exchange.started.tick)
        return f"the client of {asked} has left after {after}"
    if exchange.raised is not None:
        return f"{asked} ends with {exchange.raised.type}{of_line(exchange.raised.line)}"
    return f"{asked} ends with status {exchange.status}"
