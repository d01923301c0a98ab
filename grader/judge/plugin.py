"""The judge as a pytest plugin: gives checks their players, and turns results into reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from inspect import isfunction
from itertools import zip_longest
from pathlib import Path

import pytest

from ..model.errors import GraderError
from ..model.report import FILE_CHECK, CheckReport, Diagnosis
from ..model.scenarios import Scenario, scenario
from ..model.trace import Trace
from ..worker.messages import PlayRequest
from .budget import TOO_MUCH, limited
from .compare import Comparison, Mismatch, comparing, too_much
from .diagnoses import DIFFERENT, Case, diagnose
from .diagnoses.outcomes import explain
from .diagnoses.own import rules_beside
from .owners import with_owners
from .players import FilePlayer, Subject
from .prefetch import DryRun, dry_runs, run
from .samples import SampleData
from .services import start_services


class CheckRunner:
    """Runs the checks of some exercises against one submission.

    Args:
        submission: the learner's file; `reference` is the solution.
        numbers: the exercises whose checks are run.
        seed: of the values that checks draw.
    """

    def __init__(
        self,
        submission: FilePlayer,
        reference: FilePlayer,
        numbers: tuple[int, ...],
        seed: int,
    ) -> None:
        self._submission = submission
        self._reference = reference
        self._numbers = numbers
        self._seed = seed
        self._players: dict[int, Subject] = {}
        self._dry_run: DryRun | None = None
        self.reports: dict[int, list[CheckReport]] = {number: [] for number in numbers}
        self.collected: dict[int, list[str]] = {number: [] for number in numbers}
        self.problem = ""
        self.broken_file: CheckReport | None = None

    # Fixtures

    @pytest.fixture
    def learner(self, request: pytest.FixtureRequest) -> Subject:
        """Plays scenarios with the learner's answer to the exercise of this check."""
        return self._dry_run or self.learner_of(number_of(request.node))

    @pytest.fixture
    def reference(self, request: pytest.FixtureRequest) -> Subject:
        """Plays scenarios with the solution."""
        return DryRun() if self._dry_run else self.reference_of(number_of(request.node))

    @pytest.fixture(autouse=True)
    def compared(
        self, request: pytest.FixtureRequest, learner: Subject, reference: Subject
    ) -> Iterator[None]:
        """What `assert_same` compares in this check."""
        with comparing(learner, reference) as comparisons:
            yield
        self.note(request.node, comparisons)

    @pytest.fixture
    def sample(self, request: pytest.FixtureRequest) -> SampleData:
        """Draws values that differ from run to run."""
        return self.sample_of(request.node)

    # Hooks

    def pytest_configure(self, config: pytest.Config) -> None:
        config.addinivalue_line("markers", "exercise(number): the exercise of a check")

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, obj: object) -> list[pytest.Item] | None:
        """Make nothing of the checks of other exercises: pytest takes long for each."""
        marks = getattr(obj, "pytestmark", ()) if isfunction(obj) else ()
        numbers = [mark.args[0] for mark in marks if mark.name == "exercise" and mark.args]
        return [] if numbers and numbers[0] not in self._numbers else None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if number_of(item) in self._numbers]
        for item in items:
            self.collected[number_of(item)].append(_id_of(item))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Import the file once, before any check; if that fails, no exercise can be graded."""
        self.look_first(session.items)
        return True if self.problem or self.broken_file else None

    def pytest_internalerror(self, excrepr: object) -> bool:
        self.problem = str(excrepr)
        return True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.problem = str(report.longrepr)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> pytest.TestReport | None:
        error = call.excinfo.value if call.excinfo is not None else None
        if call.when == "call" or error is not None:
            self.reports[number_of(item)].append(self.report_on(item, error))
        if error is None or call.when == "collect":
            return None  # pytest's own will do
        # Made here: pytest would write a traceback, which takes long, and is never read.
        return pytest.TestReport(item.nodeid, item.location, {}, "failed", str(error), call.when)

    # The rest

    def look_first(self, checks: Sequence[pytest.Item] = ()) -> None:
        """Import both files; see whether the learner's can be played at all.

        Args:
            checks: what is to be run then, and asked for ahead.
        """
        trace = self._first_look(checks)
        if trace.outcome.kind == "grader-broke":
            self.problem = trace.outcome.problem
        elif trace.outcome.kind != "factory-missing":  # all that can be missing after an import
            self.broken_file = CheckReport(
                id=FILE_CHECK,
                says="The file can be imported.",
                status="failed",
                diagnoses=tuple(explain(trace.outcome)),
                got=trace,
            )

    def note(self, check: pytest.Item, comparisons: list[Comparison]) -> None:
        """What a check has compared, for those who want to know more than the verdict."""

    def report_on(self, item: pytest.Item, error: BaseException | None) -> CheckReport:
        """What a check has found, which ended with this error or with none."""
        id_, says = _id_of(item), _sentence_of(item)
        if error is None:
            return CheckReport(id=id_, says=says, status="passed")
        if isinstance(error, Mismatch):
            return CheckReport(
                id=id_,
                says=says,
                status="failed",
                expected=error.expected,
                actual=error.actual,
                diagnoses=self._diagnose(item, error),
                got=error.got,
                reference=with_owners(error.reference),  # drawn beside it, in the same form
            )
        problem = f"{type(error).__name__}: {error}"
        return CheckReport(id=id_, says=says, status="broken", problem=problem)

    def _first_look(self, checks: Sequence[pytest.Item]) -> Trace:
        """Load both files, and so start both processes at once."""
        nothing = scenario()
        new = [one for one in (self._submission, self._reference) if not one.has_history]
        learner, reference = Subject(self._submission, ""), Subject(self._reference, "")
        learner.start(nothing)
        reference.start(nothing)
        upcoming = self._upcoming(checks) if new and checks else []
        with suppress(GraderError):  # a check that needs what can't be started will say so
            start_services(request.scenario for request in upcoming)
        reference.finish()
        trace = learner.finish()
        if trace.outcome.kind == "factory-missing":  # the file itself is all right
            for player in new:
                player.prefetch(upcoming)
        return trace

    def _upcoming(self, checks: Sequence[pytest.Item]) -> list[PlayRequest]:
        """What the checks will play, as far as that is known before anything is played."""
        with dry_runs(checks[0].config):
            return [
                PlayRequest(f"exercise_{number_of(check)}", scenario)
                for check, next_check in zip_longest(checks, checks[1:])
                for scenario in self._scenarios_of(check, next_check)
            ]

    def _scenarios_of(self, check: pytest.Item, next_check: pytest.Item | None) -> list[Scenario]:
        self._dry_run = noted = DryRun()
        try:
            run(check, next_check)
        finally:
            self._dry_run = None
        return noted.scenarios

    def learner_of(self, number: int) -> Subject:
        """Plays scenarios with the learner's answer to that exercise."""
        if number not in self._players:
            self._players[number] = Subject(self._submission, f"exercise_{number}")
        return self._players[number]

    def reference_of(self, number: int) -> Subject:
        """Plays scenarios with the solution of that exercise."""
        return Subject(self._reference, f"exercise_{number}")

    def sample_of(self, item: pytest.Item) -> SampleData:
        """Draws the values of a check."""
        return SampleData(str(self._seed), item.name)

    def _diagnose(self, item: pytest.Item, error: Mismatch) -> tuple[Diagnosis, ...]:
        number = number_of(item)

        def replay(scenario: Scenario) -> tuple[Trace, Trace]:
            expected = error.alike(self.reference_of(number).replay(scenario))
            return error.alike(self.learner_of(number).replay(scenario)), expected

        source = self._submission.source
        case = Case(error.got, error.reference, error.scenario, error.aspect, replay, source)
        try:
            with limited():
                return self._with_own_rules(item.path, case) or diagnose(case)
        except TOO_MUCH:
            return explain(too_much(error.got).outcome)
        except Exception as problem:  # the verdict stands; only the reason for it is not known
            return (Diagnosis("different", None, f"{DIFFERENT} {_PLEASE_REPORT} {problem!r}"),)

    def _with_own_rules(self, checks: Path, case: Case) -> tuple[Diagnosis, ...]:
        """What is found with the lesson's own rules as well; nothing if there are none, or if
        they fail, which is not the learner's fault."""
        try:
            own = rules_beside(checks)
            return diagnose(case, own) if own else ()
        except TOO_MUCH:
            raise
        except Exception as problem:
            self.rules_failed(problem)
            return ()

    def rules_failed(self, error: Exception) -> None:
        """A lesson's own rules have failed; for those who want to know more than the verdict."""


_PLEASE_REPORT = "(The grader itself failed to find out why. Please report this:)"


def number_of(item: pytest.Item) -> int:
    """The exercise that a check belongs to; -1 if it names none."""
    marker = item.get_closest_marker("exercise")
    return int(marker.args[0]) if marker is not None and marker.args else -1


def _id_of(item: pytest.Item) -> str:
    return item.name.removeprefix("test_").replace("_", "-")


def _sentence_of(item: pytest.Item) -> str:
    function = getattr(item, "function", None)
    text = str(getattr(function, "__doc__", None) or item.name)
    return " ".join(text.split())
