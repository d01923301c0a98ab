"""A busy machine changes no verdict. `python -m benchmarks` asks that of many more runs."""

from __future__ import annotations

from benchmarks.steadiness import differences


def test_verdicts_are_the_same_on_a_busy_machine() -> None:
    found = differences(runs=3, busy=3)
    assert not found, "\n".join(found)
