"""Asking ahead: what checks will play, and with whose process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from grader.course.catalog import course, lesson
from grader.judge.clients import PlayerClient
from grader.judge.grading import PYTEST_OPTIONS, Grading
from grader.judge.player_process import PlayerProcess
from grader.judge.players import FilePlayer, Subject
from grader.judge.plugin import CheckRunner
from grader.judge.workers import Worker
from grader.model.requests import get
from grader.model.scenarios import Scenario, scenario
from grader.worker.messages import PlayRequest

SOLUTION = course().solution(lesson("day53"))
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


@pytest.fixture
def players() -> Iterator[tuple[FilePlayer, FilePlayer]]:
    worker = Worker()
    sources = (SOURCE.format(name=name) for name in ("one", "other"))
    one, other = (FilePlayer(worker, source, "/nowhere/exercise.py") for source in sources)
    yield one, other
    one.close()
    other.close()
    worker.close()


# What checks will play


CHECKS = """
import pytest
from grader.checks import assert_same, elapsed, exercise, get, scenario, statuses

@pytest.fixture
def pair(sample):
    return [get("/", at=sample.number() % 5) for _ in range(2)]
"""


class Noted(FilePlayer):
    """Notes what it is asked for ahead, and plays it only when it has to."""

    def __init__(self, worker: Worker, name: str) -> None:
        super().__init__(worker, SOURCE.format(name=name), "/nowhere/exercise.py", remember=True)
        self.upcoming: list[str] = []

    def prefetch(self, requests: Iterable[PlayRequest]) -> None:
        self.upcoming = [
            f"{one.path} {one.at:g}" for each in requests for one in each.scenario.requests
        ]


@pytest.fixture
def ask_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Noted]]:
    """Runs checks, and gives the player that was asked ahead."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    worker = Worker()
    learner, reference = Noted(worker, "learner"), Noted(worker, "reference")

    def ask(checks: str) -> Noted:
        file = tmp_path / f"test_{tmp_path.name}.py"  # no module is imported twice
        file.write_text(CHECKS + dedent(checks))
        runner = CheckRunner(learner, reference, (1,), seed=1)
        pytest.main(
            [str(file), f"--rootdir={tmp_path}", f"-c{os.devnull}", *PYTEST_OPTIONS],
            plugins=[runner],
        )
        assert not runner.problem
        return learner

    yield ask
    learner.close()
    reference.close()
    worker.close()


def test_a_check_is_asked_what_it_will_play_whatever_its_fixtures_are_called(
    ask_ahead: Callable[[str], Noted],
) -> None:
    """Nothing is played then, and what it draws is what it draws when it is run."""
    checks = """
    @exercise(1)
    def test_a_pair(pair, sample):
        assert_same(statuses, of=scenario(*pair))
        assert_same(elapsed, of=scenario(get("/", at=sample.number() % 7)))
    """
    player = ask_ahead(checks)
    played = [one for each in player._played for one in each.scenario.requests]
    assert player.upcoming == [f"{one.path} {one.at:g}" for one in played]
    assert len(played) == 3


@pytest.mark.parametrize(
    "end",
    [
        "pytest.skip('no')",
        "pytest.fail('no')",
        "pytest.xfail('no')",
        "pytest.exit('no')",
        "1 / 0",
    ],
)
def test_a_check_that_breaks_is_known_up_to_there(
    ask_ahead: Callable[[str], Noted], end: str
) -> None:
    """So are those that come after it."""
    checks = f"""
    @exercise(1)
    def test_first(sample):
        assert_same(statuses, of=scenario(get("/first")))
        {end}

    @pytest.fixture
    def broken():
        {end}

    @exercise(1)
    def test_never_begins(broken):
        assert_same(statuses, of=scenario(get("/never")))

    @exercise(1)
    def test_last(learner, reference):
        learner.play(scenario(get("/last")))
        assert_same(statuses, of=scenario(get("/last", at=1)))
    """
    assert ask_ahead(checks).upcoming == ["/first 0", "/last 0", "/last 1"]


# Whose process


def answer_of(player: FilePlayer, what: Scenario) -> tuple[str, int]:
    """The name of the file that played, and the process."""
    name, pid = Subject(player, "exercise_1").play(what).exchanges[0].json()
    return name, pid


def test_what_was_prefetched_wrongly_does_no_harm(players: tuple[FilePlayer, FilePlayer]) -> None:
    one, _ = players
    one.prefetch([PlayRequest("exercise_1", OTHER), PlayRequest("exercise_9", ONE)])
    assert answer_of(one, ONE)[0] == "one"
    assert answer_of(one, OTHER)[0] == "one"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Scenario]:
    """What players are asked to play, in order."""
    asked: list[Scenario] = []
    request = PlayerClient.request

    def noting(client: PlayerClient, number: int, play: PlayRequest) -> None:
        asked.append(play.scenario)
        request(client, number, play)

    monkeypatch.setattr(PlayerClient, "request", noting)
    return asked


def test_what_was_asked_for_is_kept_while_something_else_is_played(
    players: tuple[FilePlayer, FilePlayer], asked: list[Scenario]
) -> None:
    one, unforeseen = players[0], scenario(get("/", at=2))
    one.prefetch([PlayRequest("exercise_1", what) for what in (ONE, OTHER)])
    for what in (unforeseen, ONE, OTHER):
        assert answer_of(one, what)[0] == "one"
    assert asked == [ONE, OTHER, unforeseen]


def test_what_was_played_to_explain_is_not_asked_of_the_next_file(
    players: tuple[FilePlayer, FilePlayer], asked: list[Scenario]
) -> None:
    one, _ = players
    answer_of(one, ONE)
    Subject(one, "exercise_1").replay(OTHER)
    asked.clear()
    one.load(SOURCE.format(name="next"), "/nowhere/exercise.py")
    assert asked == [ONE]


def test_another_exercise_is_not_asked_for_what_the_last_one_was(
    tmp_path: Path, asked: list[Scenario]
) -> None:
    file = tmp_path / "exercise.py"
    file.write_text(SOLUTION.read_text())
    with Grading() as grading:
        for number in (2, 4):
            asked.clear()
            assert grading.grade(lesson("day53"), file, (number,), seed=1).passed == 1
        assert not any(request.path == "/dashboard" for what in asked for request in what.requests)


def test_modules_are_imported_once_for_all_players() -> None:
    """One that isn't there is left to the file that wants it."""
    source = "import sys\nprint('asyncpg' in sys.modules)"
    worker = Worker()
    worker.preload(("nothing_of_that_name", "asyncpg"))
    player = FilePlayer(worker, source, "/nowhere/exercise.py")
    assert Subject(player, "exercise_1").play(ONE).output == "True\n"
    player.close()
    worker.close()


def test_each_file_is_played_in_new_processes(players: tuple[FilePlayer, FilePlayer]) -> None:
    """No process ever runs two files: one could prepare it for the other."""
    one, other = players
    before = {answer_of(one, ONE)[1], answer_of(other, ONE)[1]}
    one.load(SOURCE.format(name="changed"), "/nowhere/exercise.py")
    answers = [answer_of(one, what) for what in (ONE, OTHER, ONE, OTHER)]
    assert {name for name, _ in answers} == {"changed"}
    assert before.isdisjoint(pid for _, pid in answers)
    assert answer_of(other, ONE)[1] in before


def test_a_file_that_is_graded_again_gets_two_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the reference has played is known, so the learner's file has both processors."""
    forks: list[PlayerProcess] = []
    fork = Worker.fork
    monkeypatch.setattr(Worker, "fork", lambda self: forks.append(fork(self)) or forks[-1])
    file = tmp_path / "exercise.py"
    with Grading() as grading:
        for text in (SOLUTION.read_text(), f"{SOLUTION.read_text()}\n# changed\n"):
            file.write_text(text)
            assert grading.grade(lesson("day53"), file, (2, 4)).passed == 2
        assert len(forks) == 4
