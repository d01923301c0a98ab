"""The errors that a user can meet. Each says what is wrong and what to do next.

CourseError
├── UsageError      what was asked for cannot be done (exit 2)
│   └── InputError  a file that was named cannot be read (exit 2)
└── GraderError     the grader itself failed (exit 3); never the learner's fault
"""

from __future__ import annotations


class CourseError(Exception):
    """An error with what to do about it.

    Attributes:
        exit_code: what the `grade` command exits with.
    """

    exit_code = 3

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(f"{problem}\n{remedy}".strip())
        self.problem = problem
        self.remedy = remedy


class UsageError(CourseError):
    """What was asked for cannot be done as asked."""

    exit_code = 2


class InputError(UsageError):
    """A file that was named is not there, or is not what it should be."""


class GraderError(CourseError):
    """The grader broke."""
