"""What lets an editor's test panel run the checks: each check is a test of the learner's file.

A check that fails says in its message what `grade` says on the screen. What is still to do
is skipped.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import cache
from typing import Any

import pytest

from ..course import catalog
from ..course.answers import answers_file
from ..course.catalog import Exercise, Lesson
from ..course.files import shown
from ..judge.compare import comparing
from ..judge.grading import Grading, Submission
from ..judge.players import Subject
from ..judge.plugin import CheckRunner, number_of
from ..judge.samples import SampleData
from ..model.report import CheckReport
from ..render.terminal import check_lines

COLUMNS = 100


class Submissions:
    """The learner's answers to each lesson, as they were when the session first met them."""

    def __init__(self, grading: Grading) -> None:
        self._grading = grading
        self.judge_of = cache(self._judge_of)

    def _judge_of(self, lesson: Lesson) -> tuple[Submission, CheckRunner]:
        submission = self._grading.submission(lesson, answers_file(lesson), self._grading.seed)
        judge = submission.judge(tuple(exercise.number for exercise in lesson.all_exercises))
        judge.look_first()
        return submission, judge


@pytest.fixture(scope="session")
def submissions() -> Iterator[Submissions]:
    """The answers that the session grades, in a worker of its own."""
    with Grading() as grading:
        yield Submissions(grading)


@pytest.fixture
def learner(request: pytest.FixtureRequest, submissions: Submissions) -> Subject:
    """Plays scenarios with the learner's answer; skips the test if it is still to do."""
    item = request.node
    submission, judge = submissions.judge_of(_lesson_of(item))
    exercise = _exercise_of(item)
    if judge.problem:
        pytest.fail(f"The grader broke: {judge.problem}", pytrace=False)
    if judge.broken_file is not None:
        pytest.fail(_sentence(item, judge.broken_file), pytrace=False)
    if submission.untouched(exercise):
        pytest.skip(f"exercise {exercise.number} is still to do")
    return judge.learner_of(exercise.number)


@pytest.fixture
def reference(request: pytest.FixtureRequest, submissions: Submissions) -> Subject:
    """Plays scenarios with the solution."""
    return _judge(request.node, submissions).reference_of(number_of(request.node))


@pytest.fixture(autouse=True)
def compared(learner: Subject, reference: Subject) -> Iterator[None]:
    """What `assert_same` compares in this check."""
    with comparing(learner, reference):
        yield


@pytest.fixture
def sample(request: pytest.FixtureRequest, submissions: Submissions) -> SampleData:
    """Draws values that differ from run to run."""
    return _judge(request.node, submissions).sample_of(request.node)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "exercise(number): the exercise that a check belongs to")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    report = yield
    funcargs: dict[str, Any] = getattr(item, "funcargs", {})
    if call.when == "call" and call.excinfo is not None and "submissions" in funcargs:
        judge = _judge(item, funcargs["submissions"])
        report.longrepr = _sentence(item, judge.report_on(item, call.excinfo.value))
    return report


def _judge(item: pytest.Item, submissions: Submissions) -> CheckRunner:
    return submissions.judge_of(_lesson_of(item))[1]


def _lesson_of(item: pytest.Item) -> Lesson:
    """By the name of the file with the checks."""
    return catalog.lesson(item.path.stem.removeprefix("test_"))


def _exercise_of(item: pytest.Item) -> Exercise:
    return _lesson_of(item).exercise(number_of(item))


def _sentence(item: pytest.Item, check: CheckReport) -> str:
    """What `grade` would say of a check."""
    lesson, exercise = _lesson_of(item), _exercise_of(item)
    where = shown(answers_file(lesson)) + (f":{check.line}" if check.line else "")
    lines = check_lines(check, lesson.name, exercise.number, COLUMNS)
    return "\n".join([where, *(line.plain for line in lines)])
