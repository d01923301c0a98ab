"""What checks are written with: play a scenario twice, and compare what matters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from ..scenario import Scenario
from ..trace import Trace
from .aspects import Aspect, summary
from .players import Player

Test = TypeVar("Test", bound=Callable[..., Any])


def exercise(number: int) -> Callable[[Test], Test]:
    """Mark a check as one of exercise `number`. Its docstring is what the learner reads."""
    return pytest.mark.exercise(number)


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


def assert_same(*aspects: Aspect, of: Scenario, learner: Player, reference: Player) -> None:
    """Play `of` with both, and hold the learner's facts against the reference's.

    Raises:
        Mismatch: the learner's play did not finish, or an aspect of it differs.
        ReferenceFailed: the reference's play did not finish.
    """
    learner.start(of)
    reference.start(of)
    expected, got = reference.finish(), learner.finish()
    if expected.outcome.kind != "finished":
        raise ReferenceFailed(f"the reference is {expected.outcome.kind}: {expected.outcome}")
    if got.outcome.kind != "finished":
        raise Mismatch(got, expected, of, None, "", "")
    for aspect in aspects:
        should, does = aspect(expected), aspect(got)
        if should != does:
            raise Mismatch(got, expected, of, aspect, *_words(should, does))


def _words(should: tuple[str, ...], does: tuple[str, ...]) -> tuple[str, str]:
    """Both in words, without what they share at the ends of a long list."""
    if len(should) > 4 and len(should) == len(does) and len(set(should)) > 1:
        differing = [pair for pair in zip(should, does, strict=True) if pair[0] != pair[1]]
        should, does = tuple(a for a, _ in differing), tuple(b for _, b in differing)
    return summary(should), summary(does) or "nothing"
