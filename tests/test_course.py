"""The course's files: which lessons there are, and where a learner's own files lie."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib import invalidate_caches
from pathlib import Path

import pytest

from grader.course import catalog
from grader.course.catalog import CARRIED, Exercise, Lesson
from grader.course.files import read_source
from grader.course.hints import ladder
from grader.course.syntax import functions
from grader.model.errors import CourseError, GraderError, InputError, UsageError

ROOT = Path(__file__).parents[1]

TABLE = """
[lessons.day02]
title = "Second"
minutes = 45

[lessons.day02.exercises]
1 = "First steps"
10 = "Last steps"

[lessons.day01]
title = "First"
minutes = 30

[lessons.day01.exercises]
"""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A course of two lessons."""
    (tmp_path / "course.toml").write_text(TABLE)
    yield tmp_path
    catalog.read_course.cache_clear()


# Lessons


def test_lessons_are_those_of_the_table_in_its_order(root: Path) -> None:
    assert catalog.read_course(root).lessons == (
        Lesson("day02", "Second", 45, (Exercise(1, "First steps"), Exercise(10, "Last steps"))),
        Lesson("day01", "First", 30, ()),
    )


def test_course_has_day_53() -> None:
    lesson = catalog.lesson("day53")
    assert lesson.title == "FastAPI async/await"
    assert [exercise.number for exercise in lesson.exercises] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_exercise_is_found_by_its_number(root: Path) -> None:
    exercise = catalog.read_course(root).lessons[0].exercise(10)
    assert (exercise.title, exercise.factory) == ("Last steps", "exercise_10")


def test_a_warm_up_can_be_asked_for_and_is_none_of_the_exercises(root: Path) -> None:
    """It is exercise 0, in front of the others, and counts for nothing."""
    table = TABLE.replace("minutes = 45", 'minutes = 45\nwarm_up = "One word"')
    (root / "course.toml").write_text(table)
    lesson = catalog.read_course(root).lessons[0]
    warm_up = Exercise(0, "One word")
    assert (lesson.warm_up, lesson.exercise(0)) == (warm_up, warm_up)
    assert lesson.all_exercises == (warm_up, *lesson.exercises)
    assert [exercise.number for exercise in lesson.exercises] == [1, 10]


def test_wrong_number_is_told_the_right_ones(root: Path) -> None:
    with pytest.raises(UsageError) as caught:
        catalog.read_course(root).lessons[0].exercise(3)
    assert caught.value.problem == "day02 has no exercise 3"
    assert caught.value.remedy == "its exercises are 1, 10"


@pytest.mark.parametrize("name", ["day99", "", "DAY53", "53", "../day53"])
def test_wrong_lesson_is_told_the_right_ones(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        catalog.lesson(name)
    assert caught.value.problem == f"there is no lesson {name!r}"
    assert "day53" in caught.value.remedy


@pytest.mark.parametrize(
    "table",
    [
        "[lessons",
        "",
        "lessons = 3",
        "[lessons.day01]\nminutes = 3",
        "[lessons.day01]\ntitle = 'x'\nminutes = 3\n[lessons.day01.exercises]\none = 'x'",
        "[lessons.day01]\ntitle = 'x'\nminutes = 'x'\n[lessons.day01.exercises]\n1 = 'x'",
        "[lessons.day01]\ntitle = 'x'\nminutes = 3\nmore = 3\n[lessons.day01.exercises]\n1 = 'x'",
    ],
)
def test_broken_table_is_the_graders_fault(root: Path, table: str) -> None:
    (root / "course.toml").write_text(table)
    with pytest.raises(GraderError, match=r"course\.toml cannot be read") as caught:
        catalog.read_course(root)
    assert caught.value.exit_code == 3


def test_missing_table_is_the_graders_fault(tmp_path: Path) -> None:
    with pytest.raises(GraderError, match="cannot be read"):
        catalog.read_course(tmp_path)


# Places


@pytest.fixture
def carried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Content as an installation carries it, in a folder of `site-packages`."""
    folder = tmp_path / "site-packages" / CARRIED
    (folder / "exercises" / "day53").mkdir(parents=True)
    shutil.copy(ROOT / "course.toml", folder)
    (folder / "exercises" / "day53" / "exercise.py").write_text("def exercise_1(): ...\n")
    monkeypatch.syspath_prepend(folder.parent)
    monkeypatch.delitem(sys.modules, CARRIED, raising=False)
    invalidate_caches()
    return folder


def test_content_of_a_checkout_is_beside_the_package() -> None:
    assert catalog.course().root == ROOT


def test_stub_is_what_the_course_keeps_whatever_the_learner_has_written(
    carried: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """If you install from a clone, you may have solved something in it before."""
    (carried / "solutions" / "day53").mkdir(parents=True)
    (carried / "solutions" / "day53" / "stub.py").write_text("def exercise_1(): 'the stub'\n")
    monkeypatch.setattr(catalog, "__file__", str(carried.parent / "grader" / "course.py"))
    monkeypatch.chdir(tmp_path)
    assert catalog.stub_source(catalog.lesson("day53")) == "def exercise_1(): 'the stub'\n"


def test_stub_of_an_installed_course_is_its_file(
    carried: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """There nobody works on it, and no copy is needed."""
    monkeypatch.setattr(catalog, "__file__", str(carried.parent / "grader" / "course.py"))
    monkeypatch.chdir(tmp_path)
    assert catalog.stub_source(catalog.lesson("day53")) == "def exercise_1(): ...\n"


def test_outside_of_a_course_there_is_no_workspace(
    carried: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody should work on what an installation carries."""
    monkeypatch.setattr(catalog, "__file__", str(carried.parent / "grader" / "course.py"))
    with pytest.raises(UsageError) as caught:
        catalog.workspace(tmp_path)
    assert caught.value.problem == "there is no course in this folder, nor in one above it"
    assert caught.value.remedy.endswith("grade init my-course")


def test_content_of_an_installation_is_what_it_carries(
    carried: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """There is no checkout around an installed package."""
    installed = carried.parent / "grader" / "course.py"
    monkeypatch.setattr(catalog, "__file__", str(installed))
    monkeypatch.chdir(tmp_path)
    assert catalog.course().root == carried


def test_installation_without_content_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "__file__", str(tmp_path / "grader" / "course.py"))
    monkeypatch.setattr(catalog, "carried_root", lambda: None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GraderError) as caught:
        catalog.course()
    assert caught.value.remedy == "install the kit again"


def test_workspace_is_the_nearest_course_above(root: Path) -> None:
    (root / "exercises" / "day02" / "deep").mkdir(parents=True)
    for start in (root, root / "exercises", root / "exercises" / "day02" / "deep"):
        assert catalog.workspace(start) == root.resolve()


def test_folder_without_a_course_is_no_workspace(tmp_path: Path) -> None:
    """An `exercises` folder alone is anybody's; then the content's own root serves."""
    (tmp_path / "exercises").mkdir()
    assert catalog.workspace(tmp_path) == catalog.course().root


def test_workspace_starts_at_the_current_folder(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "exercises").mkdir()
    monkeypatch.chdir(root / "exercises")
    assert catalog.workspace() == root.resolve()


# Sources


def test_source_is_the_text_of_the_file(tmp_path: Path) -> None:
    """Without the mark that some editors put at the beginning."""
    file = tmp_path / "exercise.py"
    file.write_bytes(b"\xef\xbb\xbfx = '\xc3\xa9'\r\n")
    assert read_source(file) == "x = 'é'\r\n"


def test_source_that_is_not_there_is_wrong_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file") as caught:
        read_source(tmp_path / "nowhere.py")
    assert caught.value.exit_code == 2


def test_functions_are_those_at_the_top() -> None:
    found = functions(
        "def exercise_1(): pass\n"
        "async def exercise_2(): pass\n"
        "class A:\n    def exercise_3(self): pass\n"
        "def exercise_1(): return 1\n"
    )
    assert {name: node.lineno for name, node in found.items()} == {
        "exercise_1": 5,
        "exercise_2": 2,
    }


@pytest.mark.parametrize(
    "text", ["def broken(:", "\0", "x = " + "(" * 1000, "x = a" + ".b" * 100_000]
)
def test_text_that_is_no_python_has_no_functions(text: str) -> None:
    assert functions(text) == {}


def test_strange_escapes_are_nobodys_concern() -> None:
    r"""Python warns of `'\d'`; that is not for the judge to print, or to fail of."""
    assert list(functions("def exercise_1():\n    return '\\d'\n")) == ["exercise_1"]


# Hints and errors


def test_ladder_has_the_steps_of_the_exercise() -> None:
    lesson = catalog.lesson("day53")
    steps = ladder(lesson, lesson.exercise(2))
    assert len(steps) == 3
    assert all(steps)
    assert not any(step.startswith("#") for step in steps)


def test_exercise_without_hints_is_the_graders_fault() -> None:
    with pytest.raises(GraderError, match="no hints for exercise 99"):
        ladder(catalog.lesson("day53"), Exercise(99, "None"))


@pytest.mark.parametrize(
    ("error", "exit_code"), [(CourseError, 3), (UsageError, 2), (InputError, 2), (GraderError, 3)]
)
def test_error_says_what_is_wrong_and_what_to_do(error: type[CourseError], exit_code: int) -> None:
    caught = error("a problem", "a remedy")
    assert (caught.problem, caught.remedy) == ("a problem", "a remedy")
    assert str(caught) == "a problem\na remedy"
    assert str(error("a problem")) == "a problem"
    assert caught.exit_code == exit_code
