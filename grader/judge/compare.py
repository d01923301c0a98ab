"""What checks are written with: play a scenario twice, and compare what matters."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal, NamedTuple, TypeVar

import pytest

from ..model.errors import GraderError, UsageError
from ..model.requests import Request
from ..model.scenarios import Scenario
from ..model.trace import Exchange, Outcome, Trace
from ..model.websockets import WebSocket
from .aspects.answers import elapsed, statuses
from .aspects.aspect import NO_ANSWER, Aspect, seconds, summary
from .aspects.connections import lifespan, startup
from .budget import TOO_MUCH, limited
from .differences import apart, from_first_difference
from .forms import Form, as_it_is
from .owners import with_owners
from .players import NOT_PLAYED, Subject

Test = TypeVar("Test", bound=Callable[..., Any])


def exercise(number: int) -> Callable[[Test], Test]:
    """Mark a check as one of exercise `number`. Its docstring is what the learner reads."""
    return pytest.mark.exercise(number)


class Mismatch(AssertionError):
    """The learner's answer did something other than the reference.

    Attributes:
        aspect: the aspect that differed; None if the play did not get that far.
        aspects: all that the check would have compared.
        alike: the form that both traces are in.
        expected: the reference's facts in words; `actual` the learner's.
    """

    def __init__(
        self,
        got: Trace,
        reference: Trace,
        scenario: Scenario,
        aspect: Aspect | None,
        expected: str,
        actual: str,
        aspects: tuple[Aspect, ...] = (),
        alike: Form = as_it_is,
    ) -> None:
        super().__init__(f"expected {expected}, got {actual}")
        self.got = got
        self.reference = reference
        self.scenario = scenario
        self.aspect = aspect
        self.expected = expected
        self.actual = actual
        self.aspects = aspects
        self.alike = alike


class ReferenceFailed(Exception):
    """The reference itself failed, so it can't say what is right: the grader is broken."""


class Comparison(NamedTuple):
    """A scenario that was played to be compared.

    Attributes:
        aspects: what of it is compared.
        reference: what the reference did in it.
    """

    scenario: Scenario
    aspects: tuple[Aspect, ...]
    reference: Trace


_compared: ContextVar[tuple[Subject, Subject, list[Comparison]]] = ContextVar("compared")


@contextmanager
def comparing(learner: Subject, reference: Subject) -> Iterator[list[Comparison]]:
    """What `assert_same` compares within this block; what it has compared is noted in a list."""
    comparisons: list[Comparison] = []
    token = _compared.set((learner, reference, comparisons))
    try:
        yield comparisons
    finally:
        _compared.reset(token)


LifespanPart = Literal["startup", "shutdown"]

Facts = tuple[Any, ...]
"""What an aspect sees in a trace."""


def assert_same(
    *aspects: Aspect,
    of: Scenario,
    server_errors: Collection[int] = (),
    failing: LifespanPart | None = None,
    alike: Form = as_it_is,
) -> None:
    """Play a scenario with the learner's answer and with the reference, and compare the traces.

    An app that fails when it starts or stops is never the same, whatever is looked at, unless
    it is meant to.

    Args:
        aspects: what to compare, in this order; the first to differ is shown.
        of: the scenario.
        server_errors: the statuses from 500 on that the reference answers with on purpose.
        failing: what fails on purpose. An app whose startup fails must not start; whether one
            whose shutdown fails says so is left to it.
        alike: the form in which both are compared, where what is written may differ: `moments`.

    Raises:
        Mismatch: the learner's play did not finish, or an aspect of it differs.
        ReferenceFailed: the reference failed, or has nothing that the check could look at.
        UsageError: one of the aspects isn't an aspect.
    """
    for aspect in aspects:
        _check_aspect(aspect)
    learner, reference, comparisons = _compared.get()
    learner.start(of)
    reference.start(of)
    expected, got = reference.finish(), learner.finish()
    if got is NOT_PLAYED:
        return
    comparisons.append(Comparison(of, aspects, expected))
    for trace in (expected, got):
        if trace.outcome.kind == "grader-broke":
            raise GraderError("a play could not be played", trace.outcome.problem)
    _check_reference(expected, of, server_errors, failing)
    expected = alike(expected)
    looks = [(aspect, _facts(aspect, expected)) for aspect in _with_lifespan(aspects, failing)]
    try:
        with limited():
            _compare(looks, expected, got, of, aspects, alike)
    except TOO_MUCH as error:
        raise Mismatch(too_much(got), expected, of, None, "", "", aspects) from error


def _check_aspect(given: object) -> None:
    if not isinstance(given, Aspect):
        name = getattr(given, "__name__", repr(given))
        remedy = f"{name}(...) makes one" if callable(given) else "such as answers, or elapsed"
        raise UsageError(f"{name} isn't an aspect", remedy)


def _with_lifespan(aspects: tuple[Aspect, ...], failing: LifespanPart | None) -> Iterator[Aspect]:
    """The aspects, and before or after them what of the lifespan is compared."""
    if failing == "startup":
        yield startup
    yield from aspects
    if failing is None:
        yield lifespan


def _facts(aspect: Aspect, reference: Trace) -> Facts:
    facts = aspect(reference)
    if not facts and not aspect.may_be_empty:
        raise ReferenceFailed(f"there is nothing to see of {', '.join(sorted(aspect.tags))}")
    return facts


def _compare(
    looks: Iterable[tuple[Aspect, Facts]],
    expected: Trace,
    got: Trace,
    of: Scenario,
    aspects: tuple[Aspect, ...],
    alike: Form,
) -> None:
    """Hold the learner's facts against the reference's, aspect by aspect."""
    got = alike(with_owners(got))
    if got.outcome.kind not in ("finished", expected.outcome.kind):
        raise Mismatch(got, expected, of, None, *_missing_answers(expected, got), alike=alike)
    for aspect, should in looks:
        does = aspect(got)
        if should != does:
            words = _words(aspect.words(should), aspect.words(does))
            raise Mismatch(got, expected, of, aspect, *words, aspects, alike)


def too_much(trace: Trace) -> Trace:
    """What is left of a trace that can't be looked at."""
    return Trace(outcome=Outcome("too-much"), output=trace.output)


def _check_reference(
    trace: Trace, of: Scenario, server_errors: Collection[int], failing: LifespanPart | None
) -> None:
    """Check that the reference did its work: one that fails can't be compared with.

    Raises:
        ReferenceFailed: it did not.
    """
    if trace.outcome.kind != ("startup-failed" if failing == "startup" else "finished"):
        raise ReferenceFailed(f"the reference doesn't finish: {_ended(trace.outcome)}")
    if failing is None and not all(lifespan(trace)):
        raise ReferenceFailed("the reference fails when it starts or stops")
    for request, exchange in zip(of.requests, trace.exchanges, strict=failing != "startup"):
        if _has_failed(exchange, server_errors) and not _has_nobody_left(request):
            status = exchange.status or NO_ANSWER
            raise ReferenceFailed(f"the reference answers {request.path} with {status}")
    for what, found in trace.readings.items():
        if isinstance(found, str):  # what is wrong; else it is rows
            raise ReferenceFailed(f"after the reference `{what}` fails: {found}")


def _ended(outcome: Outcome) -> str:
    """How a play of the reference ended, for the author of the check."""
    failure, line = outcome.failure, outcome.line
    if failure is not None:
        line = failure.line or line
    where = f" in line {line}" if line else ""
    why = f", {failure.type}: {failure.text}" if failure is not None else ""
    return f"{outcome.kind}{where}{why}"


def _has_failed(exchange: Exchange, server_errors: Collection[int]) -> bool:
    if exchange.status is None:
        return True
    return exchange.status >= 500 and exchange.status not in server_errors


def _has_nobody_left(request: Request | WebSocket) -> bool:
    """Whether the client may leave, or the call be cancelled, before there is an answer."""
    leaves = isinstance(request, Request) and (request.hangs_up_at, request.cancelled_at)
    return bool(leaves) and leaves != (None, None)


def _missing_answers(expected: Trace, got: Trace) -> tuple[str, str]:
    """The answers of the reference to requests that the learner's app leaves without one."""
    facts = zip(statuses(expected), elapsed(expected), elapsed(got), strict=False)
    missing = tuple(
        f"{status} at {seconds(ticks)}"
        for status, ticks, mine in facts
        if ticks is not None and mine is None
    )
    return (summary(missing), NO_ANSWER) if missing else ("", "")


def _words(should: tuple[str, ...], does: tuple[str, ...]) -> tuple[str, str]:
    """Both in words, without what they share in a long list."""
    if len(should) != len(does) and max(len(should), len(does)) > 4:
        should, does = from_first_difference(should, does)
    if len(should) > 4 and len(should) == len(does) and len(set(should)) > 1:
        differing = [pair for pair in zip(should, does, strict=True) if pair[0] != pair[1]]
        should, does = tuple(a for a, _ in differing), tuple(b for _, b in differing)
    if len(should) == len(does):
        pairs = [apart(*pair) for pair in zip(should, does, strict=True)]
        should, does = tuple(a for a, _ in pairs), tuple(b for _, b in pairs)
    return summary(should), summary(does)
