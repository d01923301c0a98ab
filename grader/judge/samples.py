"""Values that cannot be typed in beforehand: drawn anew in every run, from its seed."""

from __future__ import annotations

import random

_COLOURS = ("amber", "blue", "coral", "green", "indigo", "ivory", "olive", "red", "violet")
_THINGS = ("anchor", "bridge", "candle", "forest", "harbour", "lantern", "meadow", "river")


class SampleData:
    """Draws values for one check.

    Args:
        seed: the same seed draws the same values in the same order.
        check: the name of the check; each draws values of its own.
    """

    def __init__(self, seed: str, check: str = "") -> None:
        self._seed = seed
        self._random = random.Random(f"{seed} {check}")

    def shared(self) -> SampleData:
        """Draws the same for every check, so that several can look at the same play."""
        return SampleData(self._seed)

    def word(self) -> str:
        """A word that is drawn only once in a very long while."""
        choose = self._random.choice
        return f"{choose(_COLOURS)}-{choose(_THINGS)}-{self._random.randrange(10_000)}"

    def record(self) -> dict[str, object]:
        """A small JSON object."""
        return {"id": self._random.randrange(10_000), "name": self.word()}

    def records(self, count: int) -> list[dict[str, object]]:
        """Small JSON objects, numbered from 0."""
        return [{"number": number, "name": self.word()} for number in range(count)]

    def secret(self) -> str:
        """An error's text that must not get out."""
        return f"{self.word()}.internal:5432 password={self._random.randrange(10**8):08}"

    def delays(self, count: int, least: float = 0.5, most: float = 3.0) -> list[float]:
        """Different delays in tenths of a second, in no order."""
        tenths = range(round(least * 10), round(most * 10) + 1)
        return [tenth / 10 for tenth in self._random.sample(tenths, count)]

    def shuffled(self, *values: float) -> list[float]:
        """These numbers in another order."""
        return self._random.sample(values, len(values))

    def price(self) -> float:
        """A price in quarters, which floats hold exactly."""
        return self._random.randrange(4, 4_000) / 4

    def pick(self, *values: str) -> str:
        """One of these words."""
        return self._random.choice(values)

    def number(self) -> int:
        """A whole number, as for an `order_seed`."""
        return self._random.randrange(2**31)
