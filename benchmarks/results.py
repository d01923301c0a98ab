"""What a benchmark reports: a row of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True)
class Row:
    """A row of the table; `ok` is None where nothing is demanded."""

    what: str
    result: str
    limit: str = ""
    ok: bool | None = None


class BenchmarkError(Exception):
    """What was to be measured did not work, so there is nothing to report."""


def at_most(what: str, ratios: Sequence[float], limit: float) -> Row:
    """The row of a ratio whose median may not be larger than `limit`."""
    return Row(what, spread(ratios), f"at most {limit}", median(ratios) <= limit)


def at_least(what: str, ratios: Sequence[float], limit: float) -> Row:
    """The row of a ratio whose median may not be smaller than `limit`."""
    return Row(what, spread(ratios), f"at least {limit}", median(ratios) >= limit)


def seconds(what: str, measured: Sequence[float]) -> Row:
    """The row of a time that a ratio was made of."""
    return Row(what, spread(measured, " s"))


def spread(values: Sequence[float], unit: str = "") -> str:
    """The median, and between which values the middle half lies."""
    if len(values) == 1:
        return f"{values[0]:.3g}{unit} (one run)"
    low, _, high = quantiles(values, n=4, method="inclusive")
    return f"{median(values):.3g}{unit} ({low:.3g} to {high:.3g}, {len(values)} runs)"
