"""The report: what the judge found, frozen. Commands and renderers only read it."""

from __future__ import annotations

from typing import Literal

import msgspec

from .trace import Trace

FORMAT_VERSION = 2
"""The version of the JSON form; it grows when a field changes its meaning or goes."""

FILE_CHECK = "file-can-be-imported"
"""The id of the check that stands for all others where a file can't be run."""

ExerciseStatus = Literal["passed", "failed", "todo", "broken"]
CheckStatus = Literal["passed", "failed", "broken"]


class Diagnosis(msgspec.Struct, frozen=True):
    """Why a check failed: a misconception by its id, the learner's line, and words."""

    id: str
    line: int | None
    text: str

    @property
    def explained_by(self) -> str:
        """The command that says more about it."""
        return f"grade explain {self.id}"


class CheckReport(msgspec.Struct, frozen=True, kw_only=True):
    """One check. `says` is the sentence that it checks; `expected` and `actual` are what
    the reference and the learner's answer did, in words. `broken`: the grader's fault."""

    id: str
    says: str
    status: CheckStatus
    expected: str = ""
    actual: str = ""
    diagnoses: tuple[Diagnosis, ...] = ()
    got: Trace | None = None
    reference: Trace | None = None
    problem: str = ""

    @property
    def reason(self) -> str | None:
        """The id of the likeliest diagnosis."""
        return self.diagnoses[0].id if self.diagnoses else None

    @property
    def is_of_file(self) -> bool:
        """Whether it is about the file as a whole, and not about an exercise."""
        return self.id == FILE_CHECK

    def has_cause_of(self, other: CheckReport) -> bool:
        """Whether both failed for the same reason: the same thing happens at the same line."""
        known = self.reason not in (None, "different")
        return known and self.diagnoses[:1] == other.diagnoses[:1]

    @property
    def line(self) -> int | None:
        """The line of the likeliest diagnosis that has one."""
        return next((found.line for found in self.diagnoses if found.line), None)


class ExerciseReport(msgspec.Struct, frozen=True, kw_only=True):
    """One exercise.

    Attributes:
        line: where its factory stands in the learner's file.
        section: the anchor of the lesson's section that it is about; empty if none is named.
    """

    number: int
    title: str
    status: ExerciseStatus
    line: int | None = None
    section: str = ""
    checks: tuple[CheckReport, ...] = ()

    @property
    def first_failure(self) -> CheckReport | None:
        """The first check that did not pass."""
        return next((check for check in self.checks if check.status != "passed"), None)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One lesson's (or some of its exercises') grading.

    Attributes:
        seed: draws the same values and delays again when given to `grade --seed`.
        seconds: real time that grading took.
        notes: what else the learner should know, such as a file that changed meanwhile.
    """

    lesson: str
    file: str
    seed: int
    seconds: float
    exercises: tuple[ExerciseReport, ...]
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> int:
        return sum(exercise.status == "passed" for exercise in self.exercises)

    @property
    def total(self) -> int:
        return len(self.exercises)

    @property
    def exit_code(self) -> int:
        """0: all that was asked for passes; 1: something does not; 3: the grader broke."""
        if any(exercise.status == "broken" for exercise in self.exercises):
            return 3
        return 0 if self.passed == self.total else 1
