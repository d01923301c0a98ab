"""Runs a lesson's checks as an author sees them: where each stands, and what it compares."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ..judge.compare import Comparison, Mismatch
from ..judge.grading import Grading, Submission
from ..judge.plugin import CheckRunner, number_of
from ..model.report import CheckReport
from ..model.scenarios import Scenario
from .problems import line_in

if TYPE_CHECKING:
    from pathlib import Path

    from ..course.catalog import Lesson


class Examined(msgspec.Struct):
    """A check, and what happened in it.

    Attributes:
        exercise: its number; -1 if it names none.
        line: where it begins, with its decorators, in the file of the checks.
        says: its docstring.
        scenarios: what it plays.
        report: on the answer that was graded; None if it wasn't run.
        problem_line: where it broke, in the file of the checks.
        compared: for each aspect, by its name as `numbered` gives it, whether it differed; empty
            if nothing was compared.
        comparisons: all that was compared.
    """

    name: str
    exercise: int
    line: int
    says: str
    scenarios: list[Scenario] = []
    report: CheckReport | None = None
    problem_line: int = 0
    compared: dict[str, bool] = {}
    comparisons: list[Comparison] = []


class Examiner(CheckRunner):
    """Runs checks, and notes of each what an author wants to know."""

    checks: dict[str, Examined]
    rule_errors: tuple[Exception, ...] = ()
    """What the lesson's own rules have raised."""

    import_error: BaseException | None = None
    """Why the file of the checks can't be imported, and `import_line` where."""
    import_line = 0

    def pytest_exception_interact(self, node: pytest.Collector, call: pytest.CallInfo[Any]) -> None:
        error = call.excinfo.value if call.excinfo else None
        if isinstance(error, pytest.Collector.CollectError) and error.__cause__ is not None:
            self.import_error = error.__cause__
            self.import_line = line_in(str(node.path), error.__cause__)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.checks = {item.name: _examined(item) for item in items}
        super().pytest_collection_modifyitems(items)

    def _scenarios_of(self, check: pytest.Item, next_check: pytest.Item | None) -> list[Scenario]:
        found = super()._scenarios_of(check, next_check)
        self.checks[check.name].scenarios = found
        return found

    def note(self, check: pytest.Item, comparisons: list[Comparison]) -> None:
        if self._dry_run is None:
            self.checks[check.name].comparisons = comparisons

    def rules_failed(self, error: Exception) -> None:
        self.rule_errors += (error,)

    def report_on(self, item: pytest.Item, error: BaseException | None) -> CheckReport:
        report = super().report_on(item, error)
        check = self.checks[item.name]
        check.report = report
        if isinstance(error, Mismatch):
            check.compared = _compared(error)
        elif error is not None:
            check.problem_line = line_in(str(item.path), error) or check.line
        return report


def _examined(item: pytest.Item) -> Examined:
    function = getattr(item, "function", item)
    line = item.location[1] or 0
    return Examined(item.name, number_of(item), line + 1, inspect.getdoc(function) or "")


def _compared(error: Mismatch) -> dict[str, bool]:
    """Which of a check's aspects differ; the first to differ is not all there is."""
    names = numbered(aspect.name for aspect in error.aspects)
    differs = [_differs(aspect, error) for aspect in error.aspects]
    return dict(zip(names, differs, strict=True))


def numbered(names: Iterable[str]) -> list[str]:
    """The names, each of them once: `messages_to`, `messages_to (2)`."""
    seen = Counter[str]()
    told = []
    for name in names:
        seen[name] += 1
        told.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return told


def _differs(aspect: Callable[..., Any], error: Mismatch) -> bool:
    try:
        return bool(aspect(error.reference) != aspect(error.got))
    except Exception:  # of an author's own: on an answer that it didn't expect
        return True


class ExaminedSubmission(Submission):
    """A submission whose checks are noted as they run."""

    examiner: Examiner

    def judge(self, numbers: tuple[int, ...]) -> CheckRunner:
        self.examiner = Examiner(self.learner, self.reference, numbers, self.seed)
        return self.examiner

    @property
    def rule_errors(self) -> tuple[Exception, ...]:
        """What the lesson's own rules have raised."""
        return self.examiner.rule_errors if hasattr(self, "examiner") else ()

    @property
    def checks(self) -> list[Examined]:
        """The checks, in the order of their file; those of other exercises have no report."""
        return list(self.examiner.checks.values()) if hasattr(self, "examiner") else []


def examined(
    grading: Grading, lesson: Lesson, file: Path, seed: int, source: str | None = None
) -> ExaminedSubmission:
    """A file as the answer to a lesson, to be graded; see `Grading.submission`."""
    one = grading.submission(lesson, file, seed, source)
    return ExaminedSubmission(one.lesson, one.source, one.learner, one.reference, one.seed)
