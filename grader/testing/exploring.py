"""Plays a scenario under every order that asyncio leaves open, to prove that there is no race.

What is due at the same tick may come in any order: timers, requests that arrive together,
collaborators that answer at once. A play that meets such a tie has a choice. All choices are
tried, the last one first, until none is left or a bound is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from ..clock import VirtualLoop, clocks_installed
from ..driver.blocking import blocking_calls_noted
from ..driver.recorder import Recorder
from ..model.errors import UsageError
from ..model.trace import Trace
from .play import Plan

MOST_ORDERS = 1_000
"""Orders that are tried, unless another number is asked for."""

Look = Callable[[Trace], Hashable]


def answers(trace: Trace) -> Hashable:
    """What clients see: how the play ended, and each status, body and moment."""
    return trace.outcome.kind, tuple((e.status, e.body, e.elapsed) for e in trace.exchanges)


class Seen:
    """Something that was seen, in a number of orders.

    Attributes:
        trace: the first play in which it was seen.
        count: how many orders led to it.
    """

    def __init__(self, value: Hashable, trace: Trace) -> None:
        self.value = value
        self.trace = trace
        self.count = 0


class Exploration:
    """What came of all the orders.

    Attributes:
        orders: how many were played.
        is_complete: whether these were all there are.
        seen: what was seen in them, in the order in which it was met.
    """

    def __init__(self, orders: int, is_complete: bool, seen: list[Seen]) -> None:
        self.orders = orders
        self.is_complete = is_complete
        self.seen = seen

    @property
    def has_race(self) -> bool:
        """Whether the order makes a difference."""
        return len(self.seen) > 1

    def assert_no_race(self) -> None:
        """Raise with two plays that differ, if there are two.

        Raises:
            AssertionError: the order makes a difference.
        """
        if self.has_race:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        which = f"all {self.orders}" if self.is_complete else f"the first {self.orders}"
        if not self.has_race:
            return f"no race in {which} orders"
        from ..render.timeline import timeline

        first, other = self.seen[:2]
        return (
            f"a race: {len(self.seen)} different results in {which} orders\n\n"
            f"in {first.count} of them: {_words(first.trace)}\n{timeline(first.trace)}\n\n"
            f"in {other.count} of them: {_words(other.trace)}\n{timeline(other.trace)}"
        )


def _words(trace: Trace) -> str:
    answers = [f"{e.status or 'no answer'} {e.text[:60]}".strip() for e in trace.exchanges]
    return ", ".join(answers) if trace.outcome.kind == "finished" else trace.outcome.kind


def explore(
    app: Any, *requests: Any, limit: int = MOST_ORDERS, by: Look = answers, **options: Any
) -> Exploration:
    """Play a scenario in every order that asyncio leaves open.

        explore(app, get("/buy"), get("/buy")).assert_no_race()

    Args:
        app: an ASGI app, or a factory, as for `play`. If the app keeps anything in memory, give
            a factory, which makes it anew for each play.
        requests: as for `play`, and so are the `options`.
        limit: orders after which no more are tried.
        by: what of a trace must be the same in all orders.

    Raises:
        UsageError: the limit is less than one.
    """
    if limit < 1:
        raise UsageError(f"limit={limit!r} leaves nothing to play", "give 1 or more")
    plan = Plan(app, requests, options)
    seen: dict[Hashable, Seen] = {}
    choices: Choices | None = Choices([])
    orders = 0
    with clocks_installed(), blocking_calls_noted():  # once, for all plays
        while choices is not None and orders < limit:
            trace = plan.trace(choices.arm)
            value = by(trace)
            seen.setdefault(value, Seen(value, trace)).count += 1
            orders += 1
            choices = choices.next()
    return Exploration(orders, choices is None, list(seen.values()))


class Choices:
    """The choices of one play: those that are given, and the first one from then on.

    Args:
        given: which of the possibilities to take, choice by choice.
    """

    def __init__(self, given: list[int]) -> None:
        self._given = given
        self._made: list[tuple[int, int]] = []  # what was taken, of how many

    def arm(self, recorder: Recorder, loop: VirtualLoop) -> None:
        """Decide the order of what is due together in that loop."""
        loop.arrange = self.arrange

    def arrange(self, count: int) -> list[int]:
        """The order in which so many timers go, by their places."""
        left = list(range(count))
        return [left.pop(self._choose(len(left))) for _ in range(count)]

    def _choose(self, of: int) -> int:
        turn = len(self._made)
        taken = self._given[turn] if turn < len(self._given) else 0
        self._made.append((taken, of))
        return taken

    def next(self) -> Choices | None:
        """The choices of the next play: the last one that is open is made otherwise."""
        for turn in range(len(self._made) - 1, -1, -1):
            taken, of = self._made[turn]
            if taken + 1 < of:
                return Choices([taken for taken, _ in self._made[:turn]] + [taken + 1])
        return None
