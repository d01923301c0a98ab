"""A lesson is files: one is added without a line of code, here or in a course of one's own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from toy import ENTRY, SOLUTION, STUB, run_grade, write_toy

from grader.course import catalog

ROOT = Path(__file__).parents[1]
OWN = {
    "lessons": "text",
    "exercises": "tasks",
    "solutions": "private/solutions",
    "checks": "private/checks",
    "quizzes": "questions",
    "notebooks": "books",
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """This course, with a lesson that an author has added."""
    folder = tmp_path / "clone"
    folders = catalog.course().folders
    for name in folders.__struct_fields__:
        shutil.copytree(ROOT / getattr(folders, name), folder / getattr(folders, name))
    table = (ROOT / "course.toml").read_text("utf-8")
    (folder / "course.toml").write_text(table + ENTRY, "utf-8")
    before = {*folder.rglob("*")}
    added = write_toy(folder, checks=folders.checks)
    assert all("toy" in str(path.relative_to(folder)) for path in added)
    assert all("toy" in str(path) for path in {*folder.rglob("*")} - before)
    return folder


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A course of its own, which has only this lesson, and folders of other names."""
    folder = tmp_path / "own"
    folder.mkdir()
    lines = "".join(f'{name} = "{place}"\n' for name, place in OWN.items())
    (folder / "course.toml").write_text(f"[folders]\n{lines}{ENTRY}", "utf-8")
    write_toy(folder, **OWN)
    return folder


def signs(done: subprocess.CompletedProcess[str]) -> list[str]:
    return re.findall(r"^ *(\S) \d · ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("course", ["clone", "own"])
def test_lesson_is_graded(course: str, request: pytest.FixtureRequest) -> None:
    """What passes, what fails and what is to do, by the course's own checks and solutions."""
    folder: Path = request.getfixturevalue(course)
    answers = folder / (OWN["exercises"] if course == "own" else "exercises") / "toy/exercise.py"
    begun = run_grade(folder, "toy", 2)
    assert (begun.returncode, "GET /nap calls sleep()" in begun.stdout) == (1, True)
    answers.write_text(STUB.replace("SECONDS = 1", "SECONDS = 0.25"), "utf-8")
    wrong = run_grade(folder, "toy", "--format", "json")
    report = json.loads(wrong.stdout)
    assert [one["status"] for one in report["exercises"]] == ["failed", "todo"]
    assert report["exercises"][0]["checks"][0]["says"] == "A nap takes a second."
    answers.write_text(SOLUTION, "utf-8")
    right = run_grade(folder, "toy")
    assert (right.returncode, signs(right)) == (0, ["✔", "✔"])
    assert run_grade(answers.parent, "toy").returncode == 0


@pytest.mark.parametrize(
    ("words", "typed", "says"),
    [
        (("list",), "", "toy · Waiting"),
        (("lesson", "toy", "why"), "", "Because it is so quiet."),
        (("lesson", "toy", 2), "", "Two can sleep at once."),
        (("hint", "toy", 1), "", "Count."),
        (("quiz", "toy"), "a\n", "1 of 1"),
        (("solution", "toy", 1, "--anyway"), "", "A second is enough."),
        (("--help",), "", "grade toy 2 4"),
    ],
)
def test_every_command_knows_a_course_of_ones_own(
    own: Path, words: tuple[object, ...], typed: str, says: str
) -> None:
    done = run_grade(own, *words, typed=typed)
    assert (done.returncode, done.stderr) == (0, "")
    assert says in done.stdout
    assert "day53" not in done.stdout


def test_workspace_of_a_course_of_ones_own(own: Path, tmp_path: Path) -> None:
    """It holds no solutions and no checks, so what it is graded by is named."""
    assert run_grade(own, "init", tmp_path / "mine").returncode == 0
    mine = tmp_path / "mine"
    assert not (mine / "private").exists()
    (mine / "tasks/toy/exercise.py").write_text(SOLUTION, "utf-8")
    done = run_grade(mine, "toy", GRADER_COURSE=str(own))
    assert (done.returncode, signs(done)) == (0, ["✔", "✔"])
    reset = run_grade(mine, "reset", "toy", 1, "--yes", GRADER_COURSE=str(own))
    assert reset.returncode == 0
    assert "2 * SECONDS" in (mine / "tasks/toy/exercise.py").read_text("utf-8")
    assert signs(run_grade(mine, "toy", GRADER_COURSE=str(own))) == ["·", "✔"]


def test_course_is_not_replaced_where_it_is_pinned(clone: Path) -> None:
    """In a class the learner's repository holds checks, too. They have no say."""
    (clone / "grader/checks/test_day53.py").write_text("raise SystemExit\n", "utf-8")
    done = run_grade(clone, "day53", 2, GRADER_COURSE="kit")
    assert (done.returncode, "0 of 1 exercises pass" in done.stdout) == (1, True)
    assert run_grade(clone, "day53", 2, GRADER_COURSE=str(clone)).returncode == 1


def test_lesson_that_is_new_breaks_no_workspace(clone: Path, tmp_path: Path) -> None:
    """It is to do, and `grade init .` gets it. What was there stays as it is."""
    old = tmp_path / "old"
    assert run_grade(ROOT, "init", old).returncode == 0
    answers = old / "exercises/day53/exercise.py"
    answers.write_text("# mine\n" + answers.read_text("utf-8"), "utf-8")
    pinned = {"GRADER_COURSE": str(clone)}
    all_of_it = run_grade(old, **pinned)
    known = sum(len(lesson.exercises) for lesson in catalog.lessons())
    assert (all_of_it.returncode, signs(all_of_it)) == (1, ["·"] * (known + 2))
    one = run_grade(old, "toy", **pinned)
    assert one.returncode == 1
    assert "toy is new: `grade init .` puts its files here." in one.stdout
    got = run_grade(old, "init", ".", **pinned)
    assert (got.returncode, "exercises/toy" in got.stdout) == (0, True)
    assert (old / "exercises/toy/exercise.py").read_text("utf-8") == STUB
    assert answers.read_text("utf-8").startswith("# mine\n")
    assert "is new" not in run_grade(old, "toy", **pinned).stdout


def test_kit_names_no_lesson() -> None:
    """No module of it but the checks, which are the course's."""
    files = [f for f in (ROOT / "grader").rglob("*.py") if f.parent.name != "checks"]
    names = re.compile("|".join(lesson.name for lesson in catalog.lessons()))
    mine = [f for f in files if f.parts[-2] in ("course", "commands", "render", "watching")]
    assert [str(f) for f in mine if names.search(f.read_text("utf-8"))] == []
