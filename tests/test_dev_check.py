"""`grade dev check`: what is wrong with a lesson, each finding with its file and line."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from toy import change, run_grade, write_course

from grader.authoring.cache import Found, ResultCache
from grader.authoring.checkfile import problems_of_checks
from grader.authoring.digests import of_exercise
from grader.authoring.looking import Look
from grader.authoring.notebooks import is_notebook, problems_of_notebook
from grader.authoring.unreadable import unreadable
from grader.authoring.whole import problems_of_course
from grader.course import catalog
from grader.course.catalog import Lesson
from grader.model.problems import Problem


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return write_course(tmp_path)


def check(course: Path, *words: object) -> tuple[int, str]:
    done = run_grade(course, "dev", "check", "toy", *words)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_lesson_in_which_nothing_is_wrong(course: Path) -> None:
    assert check(course) == (0, "Nothing is wrong.\n")


@pytest.mark.parametrize(
    ("lesson", "what"),
    [
        ("toys", "in [tour], there is no lesson 'toys'"),
        ("toy", "[tour] names tests/mistakes/toy/1_a.py, which isn't there"),
    ],
)
def test_tour_and_translations_of_what_is_not_there_are_found(
    course: Path, monkeypatch: pytest.MonkeyPatch, lesson: str, what: str
) -> None:
    tour = f'\n[tour]\nlesson = "{lesson}"\nexercise = 1\nwrong = "1_a"\nright = "1_b"\n'
    with (course / "course.toml").open("a") as table:
        table.write(tour)
    (course / "tests/mistakes/toy").mkdir(parents=True, exist_ok=True)
    (course / "tests/mistakes/toy/1_b.py").touch()
    (course / "lessons/day99.de.md").write_text("# Nichts\n", "utf-8")
    (course / "lessons/toy.de.md").write_text("# Spielzeug\n", "utf-8")
    monkeypatch.chdir(course)
    of_tour, stray = problems_of_course()
    lines = Path("course.toml").read_text("utf-8").splitlines()
    assert (of_tour.file, lines[of_tour.line - 1]) == ("course.toml", "[tour]")
    assert of_tour.what == what
    assert (stray.file, stray.what) == ("lessons/day99.de.md", "there is no lesson 'day99'")


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


def test_collaborator_that_a_check_leaves_out_is_named(course: Path) -> None:
    change(course / CHECKS, ", sleep=takes(3, sample.record())", "")
    what = "test_nap_is_what_was_asked_for doesn't hand sleep to exercise_2, which needs it"
    assert findings(check(course, 2)[1], (f"{CHECKS}:12", what)) == []


def test_what_is_no_aspect_is_named(course: Path) -> None:
    change(course / CHECKS, "elapsed, exercise", "elapsed, exercise, header")
    change(course / CHECKS, "assert_same(answers, elapsed", "assert_same(answers, header")
    assert findings(check(course, 2)[1], (f"{CHECKS}:15", "header isn't an aspect")) == []


def test_reference_that_fails_is_found_at_the_check_that_meets_it(course: Path) -> None:
    change(course / SOLUTION, "return await sleep()", "1 / 0")
    code, said = check(course, 2)
    assert (code, findings(said, (f"{CHECKS}:15", "answers /nap with 500"))) == (1, []), said


def test_solution_that_cannot_be_imported_is_named_with_its_line(course: Path) -> None:
    change(course / SOLUTION, "SECONDS = 1", "SECONDS = 1 / 0")
    told = findings(check(course)[1], (f"{SOLUTION}:7", "the solution can't be imported: "))
    assert told == []


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
    table.write_text(
        'exercise = 1\nstatus = "failed"\ndiagnoses = ["wrong-time"]\nnever = ["wrong-time"]\n',
        "utf-8",
    )
    (bank / "2_right.py").write_text(solution, "utf-8")
    (bank / "2_right.toml").write_text('exercise = 2\nstatus = "passed"\ndiagnoses = []\n', "utf-8")
    (bank / "2_empty.py").touch()
    (bank / "2_empty.toml").write_text('exercise = 2\nstatus = "failed"\n', "utf-8")
    code, said = check(course)
    assert code == 1
    assert "tests/mistakes/toy/1_too_long.toml:4: a check says wrong-time" in said
    [empty] = [line for line in said.splitlines() if "2_empty.py:1: " in line]
    assert empty.endswith("is empty")
    assert f"{CHECKS}:12: no answer of the bank fails test_nap_is_what_was_asked_for" in said
    table.write_text('exercise = 3\nstatus = "bad"\ndiagnoses = ["nope"]\nwhi = ""\n', "utf-8")
    places = [line.split(" ")[0] for line in check(course)[1].splitlines() if line[0] == "t"]
    assert places == [f"tests/mistakes/toy/1_too_long.toml:{line}:" for line in (1, 2, 3, 4)]


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
def test_notebook_that_is_none_is_named_and_not_run(tmp_path: Path, text: str) -> None:
    file = tmp_path / "broken.ipynb"
    file.write_text(text, "utf-8")
    assert not is_notebook(file)
    [problem] = problems_of_notebook(file)
    assert problem.what.startswith("this isn't a notebook: ")


@pytest.fixture
def toy(course: Path, monkeypatch: pytest.MonkeyPatch) -> Lesson:
    """The lesson of a course, in whose folder this process is."""
    monkeypatch.chdir(course)
    return catalog.lesson("toy")


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "what"),
    [
        (CHECKS, '"""The checks', '"""Les vérifs', 1, "this isn't UTF-8: byte 0xe9"),
        (CHECKS, "    assert_same(elapsed,", "\tassert_same(elapsed,", 9, "this isn't Python: "),
        (SOLUTION, "SECONDS = 1", "SECONDS = = 1", 7, "this isn't Python: invalid syntax"),
        (STUB, "SECONDS = 1", "SECONDS = (1", 7, "this isn't Python: '(' was never closed"),
        ("exercises/toy/hints.md", "Count.", "Zähle.", 7, "this isn't UTF-8: byte 0xe4"),
        ("lessons/toy.md", "quiet", "cálm", 5, "this isn't UTF-8: byte 0xe1"),
    ],
)
def test_file_that_cannot_be_read_is_named_with_its_line(
    toy: Lesson, file: str, old: str, new: str, line: int, what: str
) -> None:
    text = Path(file).read_text("utf-8")
    assert old in text
    Path(file).write_bytes(text.replace(old, new).encode("latin-1"))
    [problem] = unreadable(toy)
    assert (problem.file, problem.line) == (file, line)
    assert problem.what.startswith(what)


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("@exercise(1)\n", "", 6, "test_nap_takes_a_second is the check of no exercise"),
        ("@exercise(1)", "@exercise", 6, "@exercise above test_nap_takes_a_second has no number"),
        ("@exercise(1)", "@exercise(7)", 6, "test_nap_takes_a_second is the check of exercise 7"),
        ("def test_nap_t", "def nap_t", 6, "nap_takes_a_second is never run"),
        ("def test_nap_t", "async def test_nap_t", 6, "test_nap_takes_a_second is an async def"),
        ("takes_a_second", "is_what_was_asked_for", 12, "line 6 defines a test_nap_is_what_was"),
    ],
)
def test_check_that_nothing_would_run_is_named(
    toy: Lesson, old: str, new: str, line: int, what: str
) -> None:
    change(Path(CHECKS), old, new)
    [problem] = problems_of_checks(toy)
    assert (problem.file, problem.line) == (CHECKS, line)
    assert problem.what.startswith(what)


def test_checks_that_cannot_be_imported_are_named_and_nothing_else_is_run(course: Path) -> None:
    """Not in the words of pytest: where, and what Python says."""
    change(course / CHECKS, "elapsed, exercise", "elapsd, exercise")
    bank = course / "tests/mistakes/toy"
    bank.mkdir(parents=True)
    (bank / "1_right.py").write_text((course / SOLUTION).read_text("utf-8"), "utf-8")
    (bank / "1_right.toml").write_text('exercise = 1\nstatus = "failed"\n', "utf-8")
    code, said = check(course)
    [what, count] = said.splitlines()
    assert (code, count) == (1, "1 finding")
    assert what.startswith(f"{CHECKS}:3: this can't be imported: ImportError: cannot import name")


KILLED = """
import os, signal
from grader.authoring.pool import pool

if __name__ == "__main__":
    print(pool(1).submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_process_of_a_pool_ends_with_the_one_that_made_it(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    [grader] = map(int, done.stdout.split())
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(grader).wait(30)


def test_exercise_whose_solution_fails_keeps_no_other_from_being_looked_at(course: Path) -> None:
    """Its own answers aren't graded, for they would fail for that reason."""
    change(course / SOLUTION, "return await sleep()", "return 1 / 0")
    bank = course / "tests/mistakes/toy"
    bank.mkdir(parents=True)
    for number in (1, 2):
        (bank / f"{number}_right.py").write_text((course / SOLUTION).read_text("utf-8"), "utf-8")
        told = f'exercise = {number}\nstatus = "failed"\n'
        (bank / f"{number}_right.toml").write_text(told, "utf-8")
    said = check(course)[1]
    assert "1_right.toml:2: the answer is passed" in said
    assert "2_right.toml" not in said


# What is kept


def remembered(cache: ResultCache, things: dict[str, bool]) -> list[str]:
    """Look at things, which are right or not; those that were looked at anew."""
    anew = list[str]()

    def look(names: list[str]) -> list[Found]:
        anew.extend(names)
        return [Found([] if things[name] else [Problem("a", 1, "wrong")]) for name in names]

    with ThreadPoolExecutor(1) as executor:
        found = Look(executor, look, [(name, name) for name in things], cache).found()
    assert [not one.problems for one in found] == list(things.values())
    return anew


def test_only_what_was_right_is_kept(
    toy: Lesson, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cache = ResultCache(toy)
    assert remembered(cache, {"a": True, "b": False, "c": True}) == ["a", "b", "c"]
    assert remembered(cache, {"a": True, "b": False}) == ["b"]
    cache.save(all_asked=False)
    assert remembered(ResultCache(toy), {"a": True, "c": True}) == []
    other = ResultCache(toy)
    assert remembered(other, {"c": True, "d": True}) == ["d"]
    other.save(all_asked=True)
    assert remembered(ResultCache(toy), {"a": True, "c": True, "d": True}) == ["a"]


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}'])
def test_results_that_cannot_be_read_are_none(
    toy: Lesson, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cache = ResultCache(toy)
    remembered(cache, {"a": True})
    cache.save(all_asked=True)
    [file] = (tmp_path / "cache").rglob("*.json")
    file.write_text(text, "utf-8")
    assert remembered(ResultCache(toy), {"a": True}) == ["a"]


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        (CHECKS, "takes(3", "takes(4", [2]),
        (CHECKS, '"""A nap takes', '"""It takes', [1]),
        (CHECKS, "\n\n@exercise", "\n\n# A note.\n@exercise", []),
        (CHECKS, "\n\n@exercise", "\n\nSECONDS = 3\n\n\n@exercise", [1, 2]),
        (SOLUTION, "SECONDS = 1", "SECONDS = 2", [1, 2]),
        (SOLUTION, "return await sleep()", "return sleep()", [2]),
        (STUB, "asyncio.sleep(2", "asyncio.sleep(3", [1]),
        ("checks/rules_toy.py", "", "a = 1", [1, 2]),
        ("checks/helpers.py", "", "a = 1", [1, 2]),
        ("checks/test_other.py", "", "a = 1", []),
        ("exercises/toy/exercise_2.sql", "", "create table a ()", [1, 2]),
    ],
)
def test_result_is_of_all_that_an_exercise_comes_of(
    toy: Lesson, file: str, old: str, new: str, changed: list[int]
) -> None:
    """What belongs to other exercises alone, and how a program is laid out, doesn't count."""
    before = {number: of_exercise(toy, number) for number in (1, 2)}
    text = Path(file).read_text("utf-8") if old else ""
    assert old in text
    Path(file).write_text(text.replace(old, new, 1) if old else new, "utf-8")
    assert [number for number in before if of_exercise(toy, number) != before[number]] == changed
