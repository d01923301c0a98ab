"""Trying again: too seldom, too often, what must not be repeated, and the pauses in between."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Iterator

import msgspec

from ...model.scenarios import InTurn, Mongo, Postgres, Takes
from ...model.trace import Exchange, Span, Trace, to_seconds
from ..aspects.aspect import times
from .case import OUTCOME, UNHANDLED, Case, at_line, calls_of, in_seconds, with_article
from .errors import error_hidden, errors_in, raised
from .registry import Finding, rule
from .relayed import statements_of

TRIES = ("calls", "call-endings", "arguments", "pauses", "status", "body", "elapsed")
"""Aspects in which it shows how often something is tried."""

UNSAFE = ("POST", "PATCH")
"""Methods of requests that may do something twice if they are carried out twice."""

MANY = 5
"""How many clients show whether their pauses are the same."""

SAME = 1_000
"""Ticks within which two pauses are the same."""

Chain = list[Span]
"""Tries of the same thing: each but the last has failed before the next one began."""

Tried = tuple[Exchange, Exchange, Chain, Chain]
"""An exchange of the learner's and of the reference's, and what both tried in it."""


def _chains(case: Case, trace: Trace, exchange: Exchange) -> dict[str, Chain]:
    """What was tried for an exchange, by the name of the collaborator."""
    found: dict[tuple[str, str], Chain] = {}
    for span in calls_of(trace, exchange.number):
        _add(found.setdefault((span.name, ""), []), span)
    for span in statements_of(case, trace, exchange):
        _add(found.setdefault((span.name, str(span.arguments[:1])), []), span)
    longest: dict[str, Chain] = {}
    for (name, _), chain in found.items():
        longest[name] = max(longest.get(name, []), chain, key=len)
    return longest


def _add(chain: Chain, span: Span) -> None:
    if not chain or (chain[-1].how != "done" and span.start >= chain[-1].end):
        chain.append(span)


def _tried(case: Case) -> Iterator[Tried]:
    for ours, theirs in case.exchanges():
        should = _chains(case, case.expected, theirs)
        for name, mine in _chains(case, case.got, ours).items():
            if name in should and not case.is_cancelled(ours):
                yield ours, theirs, mine, should[name]


def _most(tried: list[Tried]) -> dict[str, tuple[int, int]]:
    """By name, how many tries there are at the most: the learner's, and the reference's."""
    most: dict[str, tuple[int, int]] = {}
    for _, _, mine, should in tried:
        so_far = most.get(mine[0].name, (0, 0))
        most[mine[0].name] = max(so_far[0], len(mine)), max(so_far[1], len(should))
    return most


def _what(span: Span) -> str:
    return "the query" if span.kind == "statement" else span.name


def _how(span: Span) -> str:
    if span.how == "cancelled":
        return f"is given up after {span.seconds:g} s"
    return f"fails after {span.seconds:g} s"


def _how_it_was(span: Span) -> str:
    return "was given up" if span.how == "cancelled" else "had failed"


@rule("not-tried-again", *TRIES)
def not_tried_again(case: Case) -> Finding | None:
    """A call fails, and another try that could have mended it isn't made.

    A connection that is lost, or an answer that is late, is often a matter of a moment. Where
    it does no harm to ask again, the client need not learn of it.

    Instead: a loop around the call, with a limit to the number of tries. Its `except` names the
    errors that go away by themselves.
    """
    if any(look(case) for look in (error_hidden.look, raised.look)):
        return None
    tried = list(_tried(case))
    counts = _most(tried)
    for ours, _, mine, should in tried:
        last = mine[-1]
        most, enough = counts[last.name]
        if not len(mine) < len(should) or most >= enough or last.how == "done":
            continue
        is_cut_alike = last.seconds == should[len(mine) - 1].seconds
        if is_cut_alike and ours.status != UNHANDLED and _answers_after(ours, last):
            line = case.call_line(last)
            return Finding(
                line,
                f"{at_line(line)} tries {_what(last)}, which {_how(last)}, and the answer is "
                f"{ours.status} at once. It should be tried again{_in_all(should)}.",
            )
    return None


def _in_all(chain: Chain) -> str:
    """How many tries there are, if it was not the last one that succeeded."""
    return "" if chain[-1].how == "done" else f": {len(chain)} tries are right here"


def _answers_after(exchange: Exchange, call: Span) -> bool:
    return exchange.completed is not None and exchange.completed.tick == call.end.tick


@rule("early-timeout", *TRIES)
def given_up_between_tries(case: Case) -> Finding | None:
    """Finds it where the time is up in a pause, and the reference goes on to another try."""
    for ours, _, mine, should in _tried(case):
        over = ours.completed
        if over is None or len(mine) >= len(should) or mine[-1].how == "done":
            continue
        for wait in case.waits(ours.number):
            is_pause = wait.start.tick >= mine[-1].end.tick
            if is_pause and wait.how == "cancelled" and wait.end.tick == over.tick:
                return Finding(
                    wait.line,
                    f"{at_line(wait.line)} waits for another try, and gives up after "
                    f"{ours.elapsed:g} s in all. There was time for {len(should)} tries, and it "
                    f"made only {len(mine)}. How long may all of it take?",
                )
    return None


@rule("tried-too-often", *TRIES, OUTCOME)
def tried_too_often(case: Case) -> Finding | None:
    """A call that fails is tried more often than it should be.

    Each try is work for a service that has trouble already, and time that the client waits. A
    loop around a function that tries again by itself multiplies the tries.

    Instead: count the tries in one place, and give up after the last.
    """
    tried = list(_tried(case))
    counts = _most(tried)
    for _, theirs, mine, should in tried:
        most, enough = counts[mine[0].name]
        is_more = most > enough > 1 and len(mine) == most and len(should) == enough
        if is_more and _go_alike(mine, should) and _answers_after(theirs, should[-1]):
            line = case.call_line(mine[enough])
            return Finding(
                line,
                f"{at_line(line)} tries {_what(mine[0])} {times(most)}, and {enough} tries are the "
                "most. What counts them, and does anything else try again as well?",
            )
    return None


def _go_alike(mine: Chain, should: Chain) -> bool:
    """Whether the tries end as the reference's do: it gives up because of their number then."""
    pairs = zip(mine, should, strict=False)
    return all((one.how, one.seconds) == (other.how, other.seconds) for one, other in pairs)


@rule("tried-in-vain", *TRIES)
def tried_in_vain(case: Case) -> Finding | None:
    """A call is tried again after an error that another try doesn't mend.

    A value that doesn't fit, a missing permission, a mistake in the program: the next try fails
    in the same way, and the client waits for it.

    Instead: an `except` for the errors that go away by themselves, such as `ConnectionError`. An
    `except Exception`, or one for a class far above, takes the others with it.
    """
    for _, _, mine, should in _tried(case):
        is_too_often = len(mine) > len(should) == 1 and should[0].how == "failed"
        if is_too_often and not _may_be_mended(case, should[0]):
            line = case.call_line(mine[1])
            return Finding(
                line,
                f"{at_line(line)} tries {_what(mine[0])} again after {_error_of(case, mine[0])}, "
                "which another try doesn't mend. Which errors go away by themselves?",
            )
    return None


def _may_be_mended(case: Case, call: Span) -> bool:
    """Whether a call ends as one does that may be better the next time, or if that isn't known."""
    given = case.scenario.collaborators.get(call.name)
    if isinstance(given, Postgres | Mongo):
        return any(fault.does != "fail" for fault in given.faults)
    kinds = {getattr(builtins, error.type, None) for error in errors_in(given)}
    return not kinds or any(isinstance(kind, type) and issubclass(kind, _PASSING) for kind in kinds)


_PASSING = (ConnectionError, TimeoutError)
"""Errors that may be gone in a moment."""


def _error_of(case: Case, call: Span) -> str:
    """The error that a call ends with, if its description says so."""
    given = case.scenario.collaborators.get(call.name)
    first = given.steps[0] if isinstance(given, InTurn) else given
    if isinstance(first, Takes) and first.raises is not None:
        return with_article(first.raises.type)
    return "an error"


@rule("retry-unsafe", *TRIES)
def repeated_unsafely(case: Case) -> Finding | None:
    """Finds it in calls of what the factory is given, and in statements."""
    for ours, _, mine, should in _tried(case):
        doubtful = should[0].how != "done" and ours.method in UNSAFE
        if doubtful and len(mine) > len(should) == 1:
            line = case.call_line(mine[1])
            return Finding(
                line,
                f"{at_line(line)} sends {_what(mine[0])} once more for {ours.method} {ours.path}, "
                f"after the first one {_how_it_was(mine[0])}. That may have been carried out all "
                "the same, and then it is done twice. How would the other side know that it is "
                "the same one again?",
            )
    return None


# Pauses


@rule("no-jitter", "pauses")
def no_jitter(case: Case) -> Finding | None:
    """All clients wait equally long before they try again.

    What made them fail together brings them back together, to a service that is just getting up.
    A pause that doubles, `2**n`, spreads none of that: it is the same for all.

    Instead: draw a new pause each time: `random.uniform(0, longest)`.
    """
    for number, pauses in _pauses_in(case, case.got):
        different = {pause // SAME for pause in pauses}
        if len(pauses) >= MANY and len(different) <= len(pauses) // MANY:
            line = _line_of_pause(case, number)
            how = f"for one of only {len(different)} lengths of time"
            if len(different) == 1:
                how = f"for {in_seconds(pauses[0])}"
            if not any(pauses):
                how = "for no time at all"
            return Finding(
                line,
                f"{at_line(line)} has {len(pauses)} clients wait {how} before their "
                f"{_NTH[number]} call: those that failed together come back together. What makes "
                "their pauses different?",
            )
    return None


@rule("wrong-pause", "pauses")
def wrong_range(case: Case) -> Finding | None:
    """The pause before another try is too short, too long, or drawn from the wrong range.

    Without a pause a service in trouble gets no room; with one that is too long the client
    waits in vain. Jitter that is only added to a fixed pause still brings all back at nearly the
    same time.

    Instead: for try number n, `random.uniform(0, longest)`, where the longest doubles with n.
    """
    expected = dict(_pauses_in(case, case.expected))
    for number, pauses in _pauses_in(case, case.got):
        theirs = expected.get(number, [])
        if theirs and _is_other_range(pauses, theirs):
            line = _line_of_pause(case, number)
            return Finding(
                line,
                f"{at_line(line)} waits between {to_seconds(min(pauses)):.2f} and "
                f"{to_seconds(max(pauses)):.2f} s before the {_NTH[number]} call, for "
                f"{len(pauses)} clients. Where should that range begin, and where should it end?",
            )
    return None


_NTH = ("second", "third", "fourth", "fifth", "sixth")


def _is_other_range(mine: list[int], theirs: list[int]) -> bool:
    longest = max(theirs)
    too_high = min(mine) > min(theirs) + longest / 4
    return too_high or max(mine) > longest * 1.1 or max(mine) < longest * 0.9


def _pauses_in(case: Case, trace: Trace) -> list[tuple[int, list[int]]]:
    """For each try after the first, the ticks that were waited before it, of all exchanges."""
    found: dict[int, list[int]] = {}
    for exchange in trace.exchanges:
        for chain in _chains(case, trace, exchange).values():
            for number, pause in enumerate(_pauses(chain)[: len(_NTH)]):
                found.setdefault(number, []).append(pause)
    return sorted(found.items())


def _pauses(chain: Chain) -> list[int]:
    return [later.start.tick - one.end.tick for one, later in itertools.pairwise(chain)]


def _line_of_pause(case: Case, number: int) -> int | None:
    for exchange in case.got.exchanges:
        for chain in _chains(case, case.got, exchange).values():
            if len(chain) > number + 1:
                return _line_between(case, chain[number], chain[number + 1])
    return None


def _line_between(case: Case, one: Span, later: Span) -> int | None:
    """The line that waited between two tries, or else that made the later one."""
    waits = [
        wait
        for wait in case.waits(one.exchange)
        if wait.start.tick >= one.end.tick and wait.end.tick <= later.start.tick and wait.seconds
    ]
    return waits[0].line if waits else case.call_line(later)


@rule("wrong-pause", "calls", "elapsed")
def wrong_pause(case: Case) -> Finding | None:
    """Finds it where the pause is to be of one length."""
    for _, _, mine, should in _tried(case):
        pauses = zip(_pauses(mine), _pauses(should), strict=False)
        for number, (does, wanted) in enumerate(pauses):
            if does == wanted or mine[number].seconds != should[number].seconds:
                continue
            if _draws_pauses(case):
                return None
            line = _line_between(case, mine[number], mine[number + 1])
            right = f"after {in_seconds(wanted)}" if wanted else "at once"
            return Finding(
                line,
                f"{at_line(line)} waits {in_seconds(does)} before {_what(mine[0])} is tried again. "
                f"The {_NTH[number]} try should come {right}.",
            )
    return None


def _draws_pauses(case: Case) -> bool:
    """Whether the reference's pauses are random: then they are others with other dice."""
    other = msgspec.structs.replace(case.scenario, random_seed=case.scenario.random_seed + 1)
    _, again = case.replay(other)
    return _pauses_in(case, again) != _pauses_in(case, case.expected)


@rule("pause-after-the-last", "pauses", "elapsed")
def pause_after_the_last(case: Case) -> Finding | None:
    """The client waits for a pause after which nothing is tried any more.

    The last try has failed, so the answer is known. A pause is only there to come before another
    try.

    Instead: raise in the `except` of the last try, before the line that sleeps.
    """
    for ours, theirs, mine, should in _tried(case):
        last, over = mine[-1], ours.completed
        if len(mine) != len(should) or len(mine) < 2 or last.how == "done" or over is None:
            continue
        if over.tick > last.end.tick and _answers_after(theirs, should[-1]):
            wait = next((w for w in case.waits(ours.number) if w.start.tick >= last.end.tick), None)
            line = wait.line if wait else case.call_line(last)
            return Finding(
                line,
                f"{at_line(line)} waits after the last try, too: {_what(last)} has failed for the "
                f"last time, and the answer comes {in_seconds(over.tick - last.end.tick)} later.",
            )
    return None
