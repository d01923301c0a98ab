"""`grade dev facts`: what the solution does in each check. It takes 4 s of CPU time."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import change, run_grade, write_course

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


def test_all_facts_are_told_however_many(course: Path) -> None:
    """A learner is told the first; an author has to see each."""
    many = 'scenario([get("/nap", at=n * n) for n in range(7)], sleep'
    change(course / "checks/test_toy.py", 'scenario(get("/nap"), sleep', many)
    change(course / "solutions/toy/solution.py", "return await sleep()", "return next(naps)")
    change(
        course / "solutions/toy/solution.py",
        "def exercise_2",
        "naps = iter(range(7))\n\n\ndef exercise_2",
    )
    answers = ", ".join(f"200 {n}" for n in range(7))
    assert f"  answers: {answers}\n" in run_grade(course, "dev", "facts", "toy", 2).stdout


def test_exercises_of_a_lesson_are_told_one_after_another(course: Path) -> None:
    done = run_grade(course, "dev", "facts", "toy")
    assert done.returncode == 0
    checks = [line for line in done.stdout.splitlines() if ". test_" in line]
    assert checks == ["1. test_nap_takes_a_second", "2. test_nap_is_what_was_asked_for"]


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
