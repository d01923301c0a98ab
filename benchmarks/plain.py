"""The same checks in real time, as in `plain_suite/`, against `grade day53`."""

from __future__ import annotations

from statistics import median

from .processes import WITHOUT_DATABASE, timed
from .results import Row, at_least, seconds

SUITE = ("-m", "pytest", "-p", "anyio.pytest_plugin", "benchmarks/plain_suite")
LIMIT = 30


def measure(short: bool) -> list[Row]:
    """In each round some grades, and the suite once: it takes minutes, and varies little."""
    rounds = [
        (_suite(), [timed(*WITHOUT_DATABASE) for _ in range(5)]) for _ in range(1 if short else 3)
    ]
    ratios = [suite / median(grades) for suite, grades in rounds]
    return [
        at_least("the checks in real time / grade day53", ratios, LIMIT),
        seconds("the checks in real time", [suite for suite, _ in rounds]),
    ]


def _suite() -> float:
    return timed(*SUITE, environment={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""})
