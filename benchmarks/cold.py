"""A cold `grade day53` but for its database, against what its imports alone take."""

from __future__ import annotations

from .processes import WITHOUT_DATABASE, timed
from .results import Row, at_most, seconds

IMPORTS = ("-c", "import fastapi, httpx, pytest")
LIMIT = 1.5


def measure(short: bool) -> list[Row]:
    """Both commands in turn, so that what the machine does meanwhile slows both."""
    timed(*WITHOUT_DATABASE), timed(*IMPORTS)  # what is compiled only once doesn't count
    runs = [(timed(*WITHOUT_DATABASE), timed(*IMPORTS)) for _ in range(5 if short else 25)]
    return [
        at_most("grade day53 / its imports", [grade / base for grade, base in runs], LIMIT),
        seconds("grade day53", [grade for grade, _ in runs]),
        seconds('python -c "import fastapi, httpx, pytest"', [base for _, base in runs]),
    ]
