"""Asking ahead: what checks will play, and with whose process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grader import get, scenario
from grader.course.catalog import content_root, lesson
from grader.judge.compare import assert_same
from grader.judge.grading import Grading
from grader.judge.players import FilePlayer, Subject
from grader.judge.prefetch import scenarios_of
from grader.judge.samples import SampleData
from grader.judge.workers import PlayerProcess, Worker
from grader.model.scenarios import Scenario
from grader.worker.messages import PlayRequest

SOLUTION = content_root() / "solutions" / "day53" / "solution.py"
SOURCE = """
import os
from fastapi import FastAPI

def exercise_1():
    app = FastAPI()

    @app.get("/")
    async def pid():
        return [{name!r}, os.getpid()]

    return app
"""
ONE, OTHER = scenario(get("/")), scenario(get("/", at=1))


def item_of(check: Callable[..., None], *names: str) -> Any:
    return SimpleNamespace(function=check, _fixtureinfo=SimpleNamespace(argnames=names))


def foreseen(check: Callable[..., None], *names: str) -> list[Scenario]:
    return scenarios_of(item_of(check, *names), SampleData("seed"))


def test_a_check_is_asked_what_it_will_play() -> None:
    """Nothing is played; what it draws is what it draws when it is run."""

    def check(both: Any, draw: SampleData) -> None:
        for at in (draw.number(), draw.number()):
            assert_same(of=scenario(get("/", at=at % 5)), **both)

    draw = SampleData("seed")
    expected = [scenario(get("/", at=number % 5)) for number in (draw.number(), draw.number())]
    assert foreseen(check, "both", "draw") == expected


@pytest.mark.parametrize("end", [pytest.skip, pytest.fail, pytest.xfail, pytest.exit, int])
def test_a_check_that_breaks_is_foreseen_up_to_there(end: Callable[[str], Any]) -> None:
    def check(learner: Any, reference: Any) -> None:
        assert_same(of=ONE, learner=learner, reference=reference)
        end("no number")

    assert foreseen(check, "learner", "reference") == [ONE]


def test_a_check_that_asks_for_something_else_is_not_foreseen() -> None:
    assert foreseen(lambda tmp_path: None, "tmp_path") == []


@pytest.fixture
def performers() -> Iterator[tuple[FilePlayer, FilePlayer]]:
    worker = Worker()
    sources = (SOURCE.format(name=name) for name in ("one", "other"))
    one, other = (FilePlayer(worker, source, "/nowhere/exercise.py") for source in sources)
    yield one, other
    one.close()
    other.close()
    worker.close()


def answer_of(performer: FilePlayer, what: Scenario) -> tuple[str, int]:
    """The name of the file that played, and the process."""
    name, pid = Subject(performer, "exercise_1").play(what).exchanges[0].json()
    return name, pid


def test_what_was_foreseen_wrongly_does_no_harm(performers: tuple[FilePlayer, FilePlayer]) -> None:
    one, _ = performers
    one.foresee([PlayRequest("exercise_1", OTHER), PlayRequest("exercise_9", ONE)])
    assert answer_of(one, ONE)[0] == "one"
    assert answer_of(one, OTHER)[0] == "one"


def test_an_idle_process_is_taken_over(performers: tuple[FilePlayer, FilePlayer]) -> None:
    """It plays the other file then, and its former owner gets a new one."""
    one, other = performers
    first, second = answer_of(one, ONE)[1], answer_of(other, ONE)[1]
    one.take_over(other)
    one.load(SOURCE.format(name="changed"), "/nowhere/exercise.py")
    answers = [answer_of(one, what) for what in (ONE, OTHER, ONE, OTHER)]
    assert {name for name, _ in answers} == {"changed"}
    assert {pid for _, pid in answers} <= {first, second}
    name, pid = answer_of(other, ONE)
    assert (name, pid in (first, second)) == ("other", False)


def test_a_file_that_is_graded_again_needs_no_new_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the reference has played is known; its process plays the learner's file now."""
    forks: list[PlayerProcess] = []
    fork = Worker.fork
    monkeypatch.setattr(Worker, "fork", lambda self: forks.append(fork(self)) or forks[-1])
    file = tmp_path / "exercise.py"
    with Grading() as grading:
        for text in (SOLUTION.read_text(), f"{SOLUTION.read_text()}\n# changed\n"):
            file.write_text(text)
            assert grading.grade(lesson("day53"), file, (2, 4)).passed == 2
            assert len(forks) == 2
