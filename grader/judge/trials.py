"""Grades many answers to one exercise, each until its first check fails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pytest

from ..model.report import CheckReport
from .plugin import CheckRunner, number_of
from .prefetch import run

if TYPE_CHECKING:
    from .players import FilePlayer


class Trials(CheckRunner):
    """Runs the checks of an exercise in one pytest session, on one text after another.

    Args:
        submission: plays the texts.
        reference: the solution.
        number: of the exercise.
        seed: of the values that checks draw.
        texts: the files to grade.
    """

    def __init__(
        self,
        submission: FilePlayer,
        reference: FilePlayer,
        number: int,
        seed: int,
        texts: Iterable[str],
    ) -> None:
        super().__init__(submission, reference, (number,), seed)
        self._texts = texts
        self.failures: list[CheckReport | None] = []
        """For each text its first check that does not pass; None if all of them do."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for text in self._texts:
            self._submission.load(text, self._submission.path, ahead=False)
            self._players.clear()
            self.failures.append(self._first_failure(session.items))
        return True

    def _first_failure(self, checks: Sequence[pytest.Item]) -> CheckReport | None:
        for check in checks:
            reports = self.reports[number_of(check)] = []
            run(check, None)
            failed = [report for report in reports if report.status != "passed"]
            if failed:
                return failed[0]
        return None
