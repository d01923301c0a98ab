"""What differs between two runs of a suite, and which of that is meant."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from .running import Outcomes

MEANT = Path(__file__).with_name("meant.toml")


@dataclass(frozen=True)
class Meant:
    """Differences that are meant: tests (`*` stands for anything), and why."""

    tests: tuple[str, ...]
    why: str

    def covers(self, test: str) -> bool:
        return any(fnmatchcase(test, pattern.replace("[", "[[]")) for pattern in self.tests)


@dataclass(frozen=True)
class Comparison:
    """A suite on both loops.

    Attributes:
        same: how many tests pass on both.
        differing: the outcome on the clock of those that pass on asyncio's loop only.
    """

    name: str
    same: int
    differing: Outcomes
    meant: tuple[Meant, ...]

    @property
    def unlisted(self) -> Outcomes:
        """The differences that are not meant."""
        return {
            test: outcome
            for test, outcome in self.differing.items()
            if not any(meant.covers(test) for meant in self.meant)
        }

    @property
    def gone(self) -> list[Meant]:
        """What is listed as meant, and does not differ."""
        return [meant for meant in self.meant if not any(map(meant.covers, self.differing))]

    def holds(self, is_whole: bool) -> bool:
        return not self.unlisted and not (is_whole and self.gone)

    def text(self, is_whole: bool) -> str:
        """What a person reads."""
        return "\n".join(self._lines(is_whole))

    def _lines(self, is_whole: bool) -> Iterable[str]:
        meant = len(self.differing) - len(self.unlisted)
        yield f"{self.name}: {self.same} pass on both loops, {len(self.differing)} differ"
        yield f"  meant: {meant}"
        yield f"  not listed in meant.toml: {len(self.unlisted)}"
        yield from (f"    {outcome} {test}" for test, outcome in self.unlisted.items())
        if is_whole:
            yield from (f"  listed, but the same by now: {meant.tests}" for meant in self.gone)


def compare(name: str, stock: Outcomes, clocked: Outcomes, meant: Iterable[Meant]) -> Comparison:
    """Compare the outcomes on asyncio's loop with those on the virtual one."""
    passing = [test for test, outcome in stock.items() if outcome == "passed"]
    differing = {
        test: clocked.get(test, "not run")
        for test in passing
        if clocked.get(test) not in ("passed", "skipped")
    }
    return Comparison(name, len(passing) - len(differing), differing, tuple(meant))


def meant_in(name: str) -> list[Meant]:
    """The differences of a suite that are listed as meant."""
    listed = tomllib.loads(MEANT.read_text("utf-8")).get(name, [])
    return [Meant(tuple(entry["tests"]), entry["why"]) for entry in listed]
