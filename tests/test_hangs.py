"""What a play that hangs costs the others of its exercise, and what breaks the grader instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from textwrap import dedent
from typing import Any

import pytest

from grader import reply, upstream
from grader.clock import Clock, VirtualLoop
from grader.judge.aspects.answers import elapsed, statuses
from grader.judge.aspects.aspect import aspect
from grader.judge.aspects.connections import left_open
from grader.judge.clients import Patience, Watch
from grader.judge.compare import Mismatch, ReferenceFailed, assert_same, comparing
from grader.judge.player_process import ProcessState
from grader.judge.players import MOST_HANGS, FilePlayer, Subject
from grader.judge.workers import Worker
from grader.model.details import CutShort
from grader.model.errors import GraderError
from grader.model.requests import get
from grader.model.scenarios import scenario
from grader.testing.watchdog import _unread

APP = """
import os
import threading
from contextlib import asynccontextmanager
from fastapi import FastAPI

def exercise_1():
    {lifespan}
    app = FastAPI({options})

    @app.get("/")
    async def root(): return os.getpid()

    @app.get("/locks")
    async def locks():
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

    @app.get("/reads")
    async def reads(): os.read(os.pipe()[0], 1)

    @app.get("/spins")
    async def spins():
        while True: pass

    @app.get("/fails")
    async def fails(): raise ValueError

    return app
"""

Make = Callable[..., Subject]


@pytest.fixture
def make() -> Iterator[Make]:
    worker = Worker()
    players: list[FilePlayer] = []

    def subject(lifespan: str = "", options: str = "", app: str = APP) -> Subject:
        text = dedent(app).format(lifespan=lifespan, options=options)
        players.append(FilePlayer(worker, text, "/nowhere/exercise.py"))
        return Subject(players[-1], "exercise_1")

    yield subject
    for player in players:
        player.close()
    worker.close()


@pytest.mark.parametrize("path", ["/locks", "/reads", "/spins"])
def test_what_hangs_in_one_situation_costs_no_other_its_verdict(make: Make, path: str) -> None:
    learner = make()
    plays = [learner.play(scenario(get(each))) for each in (path, "/", path, "/")]
    assert [play.outcome.kind == "finished" for play in plays] == [False, True, False, True]
    assert plays[0].outcome.line == plays[2].outcome.line is not None


def test_after_a_few_plays_that_hang_no_more_are_waited_for(make: Make) -> None:
    """The last of them stands for the rest, whatever they would have been."""
    learner = make()
    known = [learner.play(scenario(get("/reads", at=at))) for at in range(MOST_HANGS)]
    assert all(isinstance(play.outcome.detail, CutShort) for play in known)
    assert learner.play(scenario(get("/"))) is known[-1]


# What is no measure


def compared(make: Make, *what: Any, of: str = "/", **options: Any) -> None:
    with comparing(make(), make()):
        assert_same(*what, of=scenario(get(of)), **options)


FAILING = """
    @asynccontextmanager
    async def lifespan(app):
        yield
        raise ValueError
"""


def test_a_reference_that_fails_is_equal_to_nothing(make: Make) -> None:
    """Not even to an answer that fails in the same way."""
    with pytest.raises(ReferenceFailed, match="/fails with 500"):
        compared(make, statuses, of="/fails")
    broken = [make(FAILING, "lifespan=lifespan") for _ in range(2)]
    with comparing(*broken), pytest.raises(ReferenceFailed, match="starts or stops"):
        assert_same(statuses, of=scenario(get("/")))


ASKING = """
import httpx
from fastapi import FastAPI

def exercise_1(base_url):
    app = FastAPI()

    @app.get("/")
    async def root(): await httpx.AsyncClient(base_url=base_url).get("/")

    return app
"""


def test_why_neither_could_be_played_is_said(make: Make) -> None:
    """As where there can be no database: that the reference fails, too, isn't the reason."""
    without_form = scenario(get("/"), base_url=upstream({"/": reply(status=99)}))
    both = make(app=ASKING), make(app=ASKING)
    with comparing(*both), pytest.raises(GraderError, match="base_url: GET / cannot be answered"):
        assert_same(statuses, of=without_form)


NOT_STARTING = """
    @asynccontextmanager
    async def lifespan(app):
        raise ValueError
        yield
"""


def test_an_app_that_is_meant_to_fail_is_compared(make: Make) -> None:
    """One that starts all the same is another; whether a failing end is told is left to each."""
    no_start, no_stop, plain = (
        make(NOT_STARTING, "lifespan=lifespan"),
        make(FAILING, "lifespan=lifespan"),
        make(),
    )
    with comparing(no_start, make(NOT_STARTING, "lifespan=lifespan")):
        assert_same(of=scenario(get("/")), failing="startup")
    with comparing(plain, no_start), pytest.raises(Mismatch, match="the app does not start"):
        assert_same(of=scenario(get("/")), failing="startup")
    with comparing(no_start, plain), pytest.raises(ReferenceFailed):
        assert_same(of=scenario(get("/")), failing="startup")
    with comparing(plain, no_stop):
        assert_same(statuses, of=scenario(get("/")), failing="shutdown")


def test_a_status_that_is_meant_is_no_failure(make: Make) -> None:
    compared(make, statuses, elapsed, of="/fails", server_errors=[500])


def test_a_check_that_has_nothing_to_look_at_has_not_passed(make: Make) -> None:
    with pytest.raises(ReferenceFailed, match="nothing to see of left-open"):
        compared(make, statuses, left_open)
    compared(make, aspect("custom", may_be_empty=True)(lambda trace: ()))


def test_a_different_answer_is_a_mismatch_of_the_aspect(make: Make) -> None:
    """Facts are values; the aspect has the words for them."""
    pid = aspect("body", say="process {}".format)(lambda t: (t.exchanges[0].json(),))
    with pytest.raises(Mismatch, match=r"expected process \d+, got process \d+") as caught:
        compared(make, statuses, pid)
    assert caught.value.aspect is pid


def test_loop_that_has_closed_meanwhile_holds_nothing_unread() -> None:
    loop = VirtualLoop(Clock())
    loop.close()
    assert list(_unread(loop)) == []


# A busy machine


class Quiet:
    """Stands for a player, and its channel, that answers after a few looks and uses no CPU."""

    stacks = 0

    def __init__(self, letter: str) -> None:
        self.channel = self
        self._letter = letter
        self._looks = 0

    def arrived(self) -> bool:
        return self._looks > 5

    def wait(self, *_: object) -> None: ...

    def has_spoken(self) -> bool:
        return False

    def state(self) -> ProcessState:
        self._looks += 1
        return ProcessState(self._letter, 0, awaits_service=False, imports=False, delayed=0.0)


@pytest.mark.parametrize(("letter", "ends"), [("R", None), ("D", None), ("S", "stuck")])
def test_player_that_waits_for_a_processor_or_the_disk_is_not_stuck(
    letter: str, ends: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.judge.clients.LOOK_EVERY", 0.0)
    player: Any = Quiet(letter)
    assert Watch(player, Patience(idle=0.0, cpu=3.0, real=60.0)).until_answer() == ends
