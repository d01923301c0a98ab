"""`grade dev check`: what is wrong with a lesson, each finding with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import change, run_grade, write_course

from grader.authoring.notebooks import problems_of_notebook


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return write_course(tmp_path)


def check(course: Path, *words: object) -> tuple[int, str]:
    done = run_grade(course, "dev", "check", "toy", *words)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_lesson_in_which_nothing_is_wrong(course: Path) -> None:
    assert check(course) == (0, "Nothing is wrong.\n")


def test_texts_are_looked_at(course: Path) -> None:
    """All of them in one go, in the order of the files."""
    with (course / "lessons/toy.md").open("a") as lesson:
        lesson.write("\n```python\nprint(1)\n```\n```text\n2\n```\n\n```python\n1 / 0\n```\n")
        lesson.write("\n```yaml\na: 1\n```\n\n[gone](#gone)\n\n```text\nstray\n```\n")
    change(course / "exercises/toy/hints.md", "### Step 1", "### Step 2")
    change(course / "quizzes/toy.md", "**a**", "**c**")
    notebook = {"cell_type": "code", "id": "a", "metadata": {}, "source": ["nope"], "outputs": []}
    change(course / "notebooks/toy.ipynb", "[]", str([notebook]).replace("'", '"'))
    code, said = check(course)
    places = [line.partition(" ")[0] for line in said.splitlines() if line[0] != " "]
    assert code == 1
    assert places == [
        "exercises/toy/hints.md:3:",
        "lessons/toy.md:12:",
        "lessons/toy.md:19:",
        "lessons/toy.md:22:",
        "lessons/toy.md:26:",
        "lessons/toy.md:28:",
        "notebooks/toy.ipynb:1:",
        "quizzes/toy.md:10:",
        "8",
    ]
    assert "the program prints '1', and the text says '2'" in said
    assert "the program raises ZeroDivisionError" in said
    assert "cell 1 raises NameError" in said


CHECKS = "checks/test_toy.py"
SOLUTION = "solutions/toy/solution.py"
STUB = "exercises/toy/exercise.py"

REASON = '    """Who sleeps is awaited. Read: [Why wait?](../../lessons/toy.md#why-wait)."""\n'


def findings(said: str, *expected: tuple[str, str]) -> list[tuple[str, str]]:
    """Those of the expected places and words that aren't there."""
    lines = said.splitlines()
    return [
        (place, what)
        for place, what in expected
        if not any(line.startswith(f"{place}: ") and what in line for line in lines)
    ]


def test_checks_solution_and_stub_are_looked_at(course: Path) -> None:
    change(course / CHECKS, '    """A nap takes a second."""\n', "    pass\n")
    change(course / CHECKS, "sleep=", "slep=")
    change(course / SOLUTION, REASON, "")
    change(course / STUB, "2 * SECONDS", "SECONDS")
    change(course / STUB, "(sleep)", "(nap)")
    code, said = check(course)
    missing = findings(
        said,
        (f"{CHECKS}:6", "test_nap_takes_a_second has no docstring"),
        (f"{CHECKS}:12", "hands slep to exercise_2, which doesn't take it"),
        (f"{SOLUTION}:21", "exercise_2 has no docstring"),
        (f"{STUB}:10", "the stub of exercise 1 passes: there is nothing to do"),
        (f"{STUB}:21", "exercise_2 takes nap"),
    )
    assert (code, missing) == (1, []), said


def test_check_that_cannot_work_is_found_at_its_line(course: Path) -> None:
    """One belongs to no exercise, and one uses an exception that there isn't."""
    change(course / CHECKS, "@exercise(1)\n", "")
    change(course / CHECKS, "scenario, takes", "fails, scenario, takes")
    change(course / CHECKS, "takes(3, sample.record())", 'fails(1, "NoError")')
    code, said = check(course)
    missing = findings(
        said,
        (f"{CHECKS}:1", "exercise 1 has no check"),
        (f"{CHECKS}:6", "test_nap_takes_a_second is the check of no exercise"),
        (f"{CHECKS}:14", "'NoError' isn't the name of an exception"),
    )
    assert (code, missing) == (1, []), said


def test_reference_that_fails_is_found_at_the_check_that_meets_it(course: Path) -> None:
    change(course / SOLUTION, "return await sleep()", "1 / 0")
    code, said = check(course, 2)
    assert (code, findings(said, (f"{CHECKS}:15", "answers /nap with 500"))) == (1, []), said


def test_reference_that_never_answers_is_told_in_words_with_its_line(course: Path) -> None:
    waits = "return await asyncio.Event().wait()"
    change(course / SOLUTION, "return await sleep()", waits)
    code, said = check(course, 2)
    assert (code, findings(said, (f"{CHECKS}:15", "the reference doesn't finish: stuck"))) == (
        1,
        [],
    )
    assert "Outcome(" not in said


def test_bank_is_graded_and_shows_what_no_answer_needs(course: Path) -> None:
    bank = course / "tests/mistakes/toy"
    bank.mkdir(parents=True)
    solution = (course / SOLUTION).read_text("utf-8")
    (bank / "1_too_long.py").write_text(solution.replace("SECONDS = 1", "SECONDS = 2"), "utf-8")
    table = bank / "1_too_long.toml"
    table.write_text('exercise = 1\nstatus = "failed"\ndiagnoses = ["race"]\n', "utf-8")
    (bank / "2_right.py").write_text(solution, "utf-8")
    (bank / "2_right.toml").write_text('exercise = 2\nstatus = "passed"\ndiagnoses = []\n', "utf-8")
    code, said = check(course)
    assert code == 1
    assert "tests/mistakes/toy/1_too_long.toml:3: the first reason is wrong-time" in said
    assert f"{CHECKS}:12: no answer of the bank fails test_nap_is_what_was_asked_for" in said
    table.write_text('exercise = 3\nstatus = "bad"\ndiagnoses = ["nope"]\n', "utf-8")
    places = [line.split(" ")[0] for line in check(course)[1].splitlines() if line[0] == "t"]
    assert places == [f"tests/mistakes/toy/1_too_long.toml:{line}:" for line in (1, 2, 3)]


def test_each_aspect_of_one_name_is_looked_at(course: Path) -> None:
    """Of two that only differ in what they were made with, the second doesn't hide the first."""
    change(course / CHECKS, "elapsed, exercise", "elapsed, exercise, mentions")
    compared = 'assert_same(elapsed, mentions("nap"), mentions("word"), of=scenario(get("/nap")))'
    change(course / CHECKS, 'assert_same(elapsed, of=scenario(get("/nap")))', compared)
    bank = course / "tests/mistakes/toy"
    bank.mkdir(parents=True)
    solution = (course / SOLUTION).read_text("utf-8")
    says_nap = solution.replace("asyncio.sleep(SECONDS)", "asyncio.sleep(2, 'nap')", 1)
    (bank / "1_nap.py").write_text(says_nap.replace("await a", "return await a", 1), "utf-8")
    (bank / "1_nap.toml").write_text(
        'exercise = 1\nstatus = "failed"\ndiagnoses = ["wrong-time"]\n', "utf-8"
    )
    said = check(course)[1]
    assert "mentions in test_nap_takes_a_second is the same" not in said
    assert "mentions (2) in test_nap_takes_a_second is the same for every answer" in said


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": [{}], "metadata": {}}', '{"cells": [] }'])
def test_notebook_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "broken.ipynb"
    file.write_text(text, "utf-8")
    [problem] = problems_of_notebook(file)
    assert problem.what.startswith("this isn't a notebook: ")
