"""`grade dev new`: a lesson that works from the beginning, and one more exercise.

It takes 9 s of CPU time.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from toy import ENTRY, run_grade, write_course

from grader.authoring import scaffold, table
from grader.authoring.imports import with_import
from grader.course import catalog
from grader.course.catalog import Exercise


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A course without lessons."""
    (tmp_path / "course.toml").write_text("[lessons]\n", "utf-8")
    for name in ("exercises", "solutions", "checks"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A course of one lesson."""
    return write_course(tmp_path)


def test_new_lesson_and_its_next_exercise_need_nothing_but_what_is_still_to_write(
    empty: Path,
) -> None:
    """All of it is found right: checks, solution, stub, texts, quiz, notebook and bank."""
    made = run_grade(empty, "dev", "new", "day01", "--exercises", 1)
    assert (made.returncode, made.stderr) == (0, "")
    assert run_grade(empty, "dev", "new", "day01", 2).returncode == 0
    assert run_grade(empty, "list").returncode == 0
    done = run_grade(empty, "dev", "check", "day01")
    *findings, count = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (1, "")
    assert count == f"{len(findings)} findings"
    assert [line for line in findings if ": still to write: " not in line] == []
    marked = {line.partition(":")[0] for line in findings}
    shown = {line for line in made.stdout.splitlines() if line.endswith((".md", ".py"))}
    assert shown <= marked


def test_exercise_is_added_to_a_lesson_that_others_wrote(toy: Path) -> None:
    before = {file: file.read_text("utf-8") for file in toy.rglob("*.*") if file.is_file()}
    assert run_grade(toy, "dev", "new", "toy", 3).returncode == 0
    done = run_grade(toy, "dev", "check", "toy")
    assert [line for line in done.stdout.splitlines()[:-1] if "still to write" not in line] == []
    texts = {file: text for file, text in before.items() if file.suffix == ".md"}
    assert [f for f, text in texts.items() if not f.read_text("utf-8").startswith(text)] == []


@pytest.mark.parametrize("lesson", catalog.lessons(), ids=lambda lesson: lesson.name)
def test_exercise_fits_into_each_lesson_of_the_kit(lesson: catalog.Lesson) -> None:
    number = len(lesson.exercises) + 1
    made = scaffold.added(catalog.course(), lesson, Exercise(number, "One more"))
    programs = {file: text for file, text in made.items() if file.suffix == ".py"}
    trees = {file.name: ast.parse(text) for file, text in programs.items()}
    assert trees.keys() >= {"exercise.py", "stub.py", "solution.py", f"test_{lesson.name}.py"}
    for file, text in made.items():
        old = file.read_text("utf-8") if file.suffix == ".md" else ""
        assert text.startswith(old)


@pytest.mark.parametrize(
    ("words", "problem", "remedy"),
    [
        (("toy",), "toy is there already, with 2 exercises", "grade dev new toy 3"),
        (("toy", 5), "toy is there already, with 2 exercises", "grade dev new toy 3"),
        (("toy", "--exercises", 3), "toy is there already", "grade dev new toy 3"),
        (("other", 3), "there is no lesson 'other'", "grade dev new other --exercises 3"),
        (("../other",), "'../other' can't be the name of a lesson", "use letters, digits"),
    ],
)
def test_what_cannot_be_made_is_refused_with_what_to_type(
    toy: Path, words: tuple[object, ...], problem: str, remedy: str
) -> None:
    before = sorted(toy.rglob("*"))
    done = run_grade(toy, "dev", "new", *words)
    assert done.returncode == 2
    assert problem in done.stderr
    assert remedy in done.stderr
    assert sorted(toy.rglob("*")) == before


def test_nothing_is_overwritten_and_nothing_is_made_outside_of_a_course(
    toy: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (toy / "quizzes/other.md").write_text("mine", "utf-8")
    taken = run_grade(toy, "dev", "new", "other")
    assert (taken.returncode, "quizzes/other.md is there already" in taken.stderr) == (2, True)
    outside = run_grade(tmp_path_factory.mktemp("outside"), "dev", "new", "other")
    assert (outside.returncode, "grade dev course my-course" in outside.stderr) == (2, True)


def test_table_keeps_its_comments(toy: Path) -> None:
    lesson = catalog.read_course(toy).lessons[0]
    text = ENTRY + "# the end\n\n[folders]\nlessons = 'text'\n"
    grown = table.with_exercise(text, lesson, Exercise(3, "Third"))
    assert [line for line in grown.splitlines() if line not in text.splitlines()] == [
        '3 = "Third"  # TO WRITE: its title'
    ]
    with pytest.raises(catalog.UsageError, match="add the exercise by hand"):
        table.with_exercise("[lessons]\ntoy = {}\n", lesson, Exercise(3, "Third"))


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("", "from a import B, c\n"),
        ('"""Doc."""\n', '"""Doc."""\n\nfrom a import B, c\n'),
        ("from __future__ import annotations\n", None),
        ("import os\nx = 1\n", "import os\nfrom a import B, c\nx = 1\n"),
        ("from a import d\nx = 1\n", "from a import B, c, d\nx = 1\n"),
        ("from a import (\n    B,\n    c,\n)\n", "from a import (\n    B,\n    c,\n)\n"),
    ],
)
def test_import_is_added_once(text: str, after: str | None) -> None:
    added = with_import(text, "a", "c", "B")
    assert added == (after or f"{text}\nfrom a import B, c\n")
    assert with_import(added, "a", "c", "B") == added
