"""Aspects: what of a trace a check looks at.

An aspect computes *facts* from a trace, one for each exchange, call or connection. A check
holds when the learner's facts are the reference's. Facts are plain values; the aspect has
the words for them, and tags that say what it is about. Rules ask for the tags.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any, Literal

from ...model.trace import (
    Moment,
    Span,
    Trace,
    to_seconds,
)
from ..differences import shortened

Tag = Literal[
    "status",
    "body",
    "media-type",
    "headers",
    "header-presence",
    "text",
    "elapsed",
    "lines",
    "events",
    "silence",
    "messages",
    "closes",
    "calls",
    "call-endings",
    "pauses",
    "arguments",
    "order",
    "left-running",
    "work-order",
    "secret",
    "log",
    "cancellation",
    "resources",
    "lifespan",
    "startup",
    "shutdown",
    "lifespan-order",
    "connections",
    "left-open",
    "requests",
    "readings",
    "dependencies",
    "cleanups",
    "handlers",
    "validation",
    "custom",
]
"""What an aspect can be about."""


LONGEST = 200
"""Characters of a fact that are shown."""


NO_ANSWER = "no answer"


@dataclass(frozen=True)
class Aspect:
    """What of a trace a check looks at.

    Attributes:
        tags: what it is about.
        compute: from a trace to its facts.
        say: a fact in words.
        nothing: the words for no facts at all.
        may_be_empty: whether that can be what is right. Where it can't, a reference without
            facts leaves the check nothing to look at.
    """

    tags: frozenset[Tag]
    compute: Callable[[Trace], tuple[Any, ...]]
    say: Callable[[Any], str] = str
    nothing: str = "nothing"
    may_be_empty: bool = False

    @property
    def name(self) -> str:
        """What a check calls it by: the function that it was made of, or that made it."""
        return self.compute.__qualname__.partition(".<locals>")[0]

    def __call__(self, trace: Trace) -> tuple[Any, ...]:
        """The facts of a trace."""
        return self.compute(trace)

    def words(self, facts: tuple[Any, ...]) -> tuple[str, ...]:
        """Facts in words."""
        return tuple(map(self.say, facts)) or (self.nothing,)


def aspect(
    *tags: Tag,
    say: Callable[[Any], str] = str,
    nothing: str = "nothing",
    may_be_empty: bool = False,
) -> Callable[[Callable[[Trace], tuple[Any, ...]]], Aspect]:
    """Make an aspect of a function from a trace to a tuple of facts.

    Args:
        tags: what it is about; none is `custom`. The others are as in `Aspect`.
    """

    def made(compute: Callable[[Trace], tuple[Any, ...]]) -> Aspect:
        return Aspect(frozenset(tags or ("custom",)), compute, say, nothing, may_be_empty)

    return made


def seconds(ticks: int) -> str:
    """Ticks in words: two decimals, more only where there are more."""
    text = f"{to_seconds(ticks):.6f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2} s"


def together(*aspects: Aspect) -> Aspect:
    """Several aspects as one, which is about all that they are about."""
    tags = frozenset[Tag]().union(*(part.tags for part in aspects))

    empty = all(part.may_be_empty for part in aspects)

    @aspect(*tags, say=lambda fact: fact[0].say(fact[1]), may_be_empty=empty)
    def united(trace: Trace) -> tuple[tuple[Aspect, Any], ...]:
        return tuple((part, fact) for part in aspects for fact in part(trace))

    return united


def summary(words: tuple[str, ...]) -> str:
    """The first facts in words, as one sentence."""
    parts = counted(words, LONGEST)
    return ", ".join(parts[:4]) + (f", and {len(parts) - 4} more" if len(parts) > 4 else "")


def counted(words: tuple[str, ...], longest: int = sys.maxsize) -> list[str]:
    """Facts in words, equal neighbours as one, such as `2 × 200`.

    Args:
        longest: how many characters of each are told.
    """
    groups = [(shortened(fact, longest), len(list(same))) for fact, same in groupby(words)]
    return [f"{count} × {fact}" if count > 1 else fact for fact, count in groups]


def since(trace: Trace, moment: Moment) -> int:
    """Ticks from when the app took requests until a moment."""
    return moment.tick - trace.opened


def times(count: int) -> str:
    """`once`, `twice`, `3 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def most_at_once(spans: Sequence[Span]) -> int:
    """How many of these were under way at once, at the most."""
    changes = sorted([(s.start, 1) for s in spans] + [(s.end, -1) for s in spans])
    return max(accumulate(change for _, change in changes), default=0)
