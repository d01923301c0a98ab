"""What checks are written with: play a scenario twice, and compare what matters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import pytest

from ..model.errors import GraderError
from ..model.scenarios import Scenario
from ..model.trace import LogRecord, Span, Trace
from .aspects import NO_ANSWER, Aspect, elapsed, lifespan, seconds, statuses, summary
from .differences import apart
from .players import Subject

Test = TypeVar("Test", bound=Callable[..., Any])


def exercise(number: int, needs: str = "") -> Callable[[Test], Test]:
    """Mark a check as one of exercise `number`. Its docstring is what the learner reads.

    Args:
        needs: `postgres`, if its scenarios have a database: the server is then started
            while other exercises are being graded.
    """
    return pytest.mark.exercise(number, needs=needs)


class Mismatch(AssertionError):
    """The learner's answer did something else than the reference.

    Attributes:
        aspect: the aspect that differed; None if the play did not get that far.
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
    ) -> None:
        super().__init__(f"expected {expected}, got {actual}")
        self.got = got
        self.reference = reference
        self.scenario = scenario
        self.aspect = aspect
        self.expected = expected
        self.actual = actual


class ReferenceFailed(Exception):
    """The reference itself did not finish: the grader is broken, not the answer."""


def assert_same(*aspects: Aspect, of: Scenario, learner: Subject, reference: Subject) -> None:
    """Play `of` with both, and hold the learner's facts against the reference's.

    An app that fails when it starts or stops is never the same, whatever is looked at.

    Raises:
        Mismatch: the learner's play did not finish, or an aspect of it differs.
        ReferenceFailed: the reference's play did not finish.
    """
    learner.start(of)
    reference.start(of)
    expected, got = reference.finish(), with_owners(learner.finish())
    if expected.outcome.kind != "finished":
        raise ReferenceFailed(f"the reference is {expected.outcome.kind}: {expected.outcome}")
    if got.outcome.kind == "grader-broke":
        raise GraderError("a play could not be played", got.outcome.problem)
    if got.outcome.kind != "finished":
        raise Mismatch(got, expected, of, None, *_missing_answers(expected, got))
    for aspect in (*aspects, lifespan):
        should, does = aspect(expected), aspect(got)
        if should != does:
            words = _words(aspect.words(should), aspect.words(does))
            raise Mismatch(got, expected, of, aspect, *words)


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
    """Both in words, without what they share at the ends of a long list."""
    if len(should) > 4 and len(should) == len(does) and len(set(should)) > 1:
        differing = [pair for pair in zip(should, does, strict=True) if pair[0] != pair[1]]
        should, does = tuple(a for a, _ in differing), tuple(b for _, b in differing)
    if len(should) == len(does):
        pairs = [apart(*pair) for pair in zip(should, does, strict=True)]
        should, does = tuple(a for a, _ in pairs), tuple(b for _, b in pairs)
    return summary(should), summary(does)


def with_owners(trace: Trace) -> Trace:
    """The trace with calls made outside of any exchange counted for one.

    A worker task that serves a queue has no request of its own. Its first call of a name
    is counted for the first exchange that has begun and has no such call yet, and so on.
    """
    spans = list(trace.spans)
    for at, span in enumerate(spans):
        if span.kind == "call" and span.exchange is None and span.resource is None:
            served = {s.exchange for s in spans if s.kind == "call" and s.name == span.name}
            owner = next(
                (e for e in trace.exchanges if e.number not in served and e.started < span.start),
                None,
            )
            if owner is not None:
                spans[at] = msgspec.structs.replace(span, exchange=owner.number)
    logs = tuple(_with_owner(log, spans) for log in trace.logs)
    return msgspec.structs.replace(trace, spans=tuple(spans), logs=logs)


def _with_owner(log: LogRecord, spans: list[Span]) -> LogRecord:
    """A record logged outside of any exchange is about the call that ended just before it."""
    if log.exchange is not None:
        return log
    ended = [span for span in spans if span.kind == "call" and span.end < log.at]
    last = max(ended, key=lambda span: span.end, default=None)
    return msgspec.structs.replace(log, exchange=last.exchange) if last else log
