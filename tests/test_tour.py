"""The first minute: what `grade tour` shows, anywhere, and that the README tells the truth."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from learner import Learner
from toy import run_grade

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def block(name: str) -> str:
    """What stands in the README below a comment."""
    found = re.search(rf"<!-- {name} -->\n```\w+\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_readme_shows_what_the_tour_prints() -> None:
    done = run_grade(ROOT, "tour")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip("\n") == block("grade tour prints").strip("\n")


def test_tour_grades_a_wrong_answer_and_a_right_one() -> None:
    """The verdict with its line and its picture, the answer mended, and what to do now."""
    told = block("grade tour prints")
    wrong, mended, now = re.split(r"^Now (?:the same answer, mended|you):$", told, flags=re.M)
    assert "✘ The dashboard takes as long as its slowest fetch" in wrong
    assert "Lines 10, 11 and 12 wait for one call to end" in wrong
    assert re.search(r"^        fetch_user +█", wrong, re.MULTILINE)
    assert "✘" not in mended
    assert mended.count("✔") == len(re.findall("^  [✔✘] ", wrong, re.MULTILINE))
    for step in ("lessons/day53.md", "exercises/day53/exercise.py", "grade --watch"):
        assert step in now


@pytest.mark.parametrize("columns", ["40", "60", "120"])
def test_tour_keeps_to_the_columns(columns: str) -> None:
    done = run_grade(ROOT, "tour", COLUMNS=columns)
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= int(columns)


def test_tour_asks_nothing_and_changes_nothing(learner: Learner) -> None:
    before = {path: path.is_file() and path.read_bytes() for path in learner.folder.rglob("*")}
    assert learner.grade("tour").exit_code == 0
    assert {p: p.is_file() and p.read_bytes() for p in learner.folder.rglob("*")} == before


def test_tour_is_in_colour_on_a_terminal_and_without_where_that_is_asked_for(
    learner: Learner,
) -> None:
    status, text = learner.on_terminal("tour")
    assert (status, "\x1b[" in text) == (0, True)
    status, text = learner.on_terminal("tour", NO_COLOR="1")
    assert (status, bool(re.search(r"\x1b\[[\d;]*[34]\dm", text))) == (0, False)


def test_tour_ends_where_there_is_nothing_to_work_in(tmp_path: Path) -> None:
    """With the kit alone, the tour says to make a folder. In a clone it finds the clone's own."""
    done = run_grade(tmp_path, "tour")
    assert done.returncode == 0
    assert "exercises/day53/exercise.py" in done.stdout


def test_course_without_a_tour_says_so(tmp_path: Path) -> None:
    (tmp_path / "course.toml").write_text(
        '[lessons.a]\ntitle = "A"\nminutes = 1\n[lessons.a.exercises]\n1 = "B"\n', "utf-8"
    )
    for name in ("exercises", "checks", "solutions"):
        (tmp_path / name).mkdir()
    done = run_grade(tmp_path, "tour")
    assert (done.returncode, done.stdout) == (2, "")
    assert "this course has no tour" in done.stderr
