"""Looks at several things in other processes, but for those that are known to be right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Generic, TypeVar

from .cache import Found, ResultCache

Thing = TypeVar("Thing")


class Look(Generic[Thing]):
    """A look at several things, which begins when it is made.

    Args:
        executor: its processes do the looking.
        look: what they call with some of the things; it gives for each what was found.
        things: each with the digest of all that the result comes of.
        cache: where results are kept.
        at_once: things that a process takes at a time.
        also_wrong: whether what is wrong is remembered, too. Then the digest has to stand for all
            that the words and lines of a finding come of.
    """

    def __init__(
        self,
        executor: Executor,
        look: Callable[[list[Thing]], list[Found]],
        things: Sequence[tuple[str, Thing]],
        cache: ResultCache,
        *,
        at_once: int = 1,
        also_wrong: bool = False,
    ) -> None:
        self._cache = cache
        self._also_wrong = also_wrong
        self._known = [cache.get(digest) for digest, _ in things]
        new = [things[i] for i, found in enumerate(self._known) if found is None]
        self._parts = [new[i : i + at_once] for i in range(0, len(new), at_once)]
        self._jobs: list[Future[list[Found]]] = [
            executor.submit(look, [thing for _, thing in part]) for part in self._parts
        ]

    def found(self) -> list[Found]:
        """What was found, for each thing; waits for it."""
        new = []
        for part, job in zip(self._parts, self._jobs, strict=True):
            for (digest, _), found in zip(part, job.result(), strict=True):
                if self._also_wrong or not found.problems:
                    self._cache.put(digest, found)
                new.append(found)
        left = iter(new)
        return [next(left) if found is None else found for found in self._known]
