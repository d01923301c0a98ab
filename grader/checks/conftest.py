"""For editors: `pytest grader/checks` grades the answers in the workspace, check by check.

`grade` itself does not read this file.
"""

from __future__ import annotations

from grader.testing.editor import (
    compared,
    learner,
    pytest_configure,
    pytest_runtest_makereport,
    reference,
    sample,
    submissions,
)

__all__ = [
    "compared",
    "learner",
    "pytest_configure",
    "pytest_runtest_makereport",
    "reference",
    "sample",
    "submissions",
]
