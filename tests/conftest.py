"""What several test modules need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from grader.judge.grading import Grading


@pytest.fixture(scope="session")
def grading() -> Iterator[Grading]:
    """A warm worker for the whole run."""
    with Grading() as grading:
        yield grading
