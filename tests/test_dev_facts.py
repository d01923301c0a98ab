"""`grade dev facts`: what the solution does in each check. It takes 4 s of CPU time."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import run_grade, write_course

from grader.checks import arguments_of, elapsed, logged


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return write_course(tmp_path)


def test_facts_are_told_in_words_and_drawn(course: Path) -> None:
    done = run_grade(course, "dev", "facts", "toy", 2)
    assert (done.returncode, done.stderr) == (0, "")
    name, says, _, answers, *rest = done.stdout.splitlines()
    assert name == "1. test_nap_is_what_was_asked_for"
    assert says == "The answer is what sleep() returns, when it does."
    assert answers.startswith('  answers: 200 {"id": ')
    assert rest[:3] == [
        "  elapsed: 3.00 s",
        "  GET /nap: 0 to 3 s (request).",
        "  sleep: 0 to 3 s (done).",
    ]
    assert [line.split()[0] for line in rest[4:6]] == ["GET", "sleep"]
    assert "███" in rest[5]


def test_play_is_shown_also_where_the_solution_fails(course: Path) -> None:
    """The picture tells where to look."""
    solution = course / "solutions/toy/solution.py"
    text = solution.read_text("utf-8").replace("return await sleep()", "await sleep() / 0")
    solution.write_text(text, "utf-8")
    done = run_grade(course, "dev", "facts", "toy", 2)
    assert done.returncode == 1
    assert "ReferenceFailed: the reference answers /nap with 500" in done.stdout
    assert "  sleep: 0 to 3 s (done)." in done.stdout


def test_aspect_has_the_name_that_a_check_calls_it_by() -> None:
    made = elapsed, logged("a", after="b"), arguments_of("a")
    assert [aspect.name for aspect in made] == ["elapsed", "logged", "arguments_of"]
