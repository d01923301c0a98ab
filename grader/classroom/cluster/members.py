"""Which workers of a Dask cluster may grade: those with our kit and our course."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .on_worker import Versions, versions_here

Say = Callable[[str], None]
"""Tells the instructor what has become of a worker."""


class Members:
    """The workers of a cluster, as they come and go.

    Args:
        client: Dask's.
        lessons: what they will grade.
        say: is told of each that isn't used, and of each that is lost.
    """

    def __init__(self, client: Any, lessons: Iterable[str], say: Say) -> None:
        self._client = client
        self._say = say
        self._lessons = sorted(lessons)
        self._ours = versions_here(self._lessons)
        self._objections: dict[str, str] = {}  # by address; empty for a worker that may grade

    async def threads(self) -> dict[str, int]:
        """How many threads each worker has that may grade, by its address.

        Raises:
            OSError: there is no scheduler any more.
        """
        threads: dict[str, int] = await self._client.nthreads()
        self._forget(self._objections.keys() - threads.keys())
        if new := threads.keys() - self._objections.keys():
            await self._check(new)
        return {one: count for one, count in threads.items() if self._objections.get(one) == ""}

    def _forget(self, gone: Iterable[str]) -> None:
        for address in list(gone):
            if not self._objections.pop(address):
                self._say(f"{address} is lost; what it was grading goes to another worker.")

    async def _check(self, new: Iterable[str]) -> None:
        found = await self._client.run(
            versions_here, self._lessons, workers=list(new), on_error="return"
        )
        for address, versions in found.items():
            self._objections[address] = objection(versions, self._ours)
            if self._objections[address]:
                self._say(f"{address} isn't used: {self._objections[address]}")


def objection(theirs: Versions | Exception, ours: Versions) -> str:
    """Why a worker can't grade with us; empty if it can.

    Args:
        theirs: its versions, or what went wrong when it was asked.
    """
    if isinstance(theirs, Exception):
        if isinstance(theirs, ImportError):
            return f"the kit isn't installed there, or a version without this ({theirs})"
        return f"it can't say which kit it runs ({theirs!r})"
    if theirs.kit != ours.kit:
        return (
            f"it runs version {theirs.kit} of the kit, and this is {ours.kit}; "
            "install the same one there, and start it again"
        )
    return "; ".join(_differences(theirs, ours))


def _differences(theirs: Versions, ours: Versions) -> Iterator[str]:
    for lesson, version in ours.courses.items():
        if not theirs.courses[lesson]:
            yield f"its course has no {lesson}; start it in the folder of the course"
        elif theirs.courses[lesson] != version:
            yield f"its {lesson} is a different one; start it in the folder of the same course"
