"""`grade dev course`: a repository that depends on the kit. It takes 6 s of CPU time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from toy import ROOT, run_grade

from grader.authoring.new_course import installed_kit


@pytest.fixture
def made(tmp_path: Path) -> Path:
    done = run_grade(tmp_path, "dev", "course", "mine", "--kit", "git+https://example.org/kit@v1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "cd mine\n  git init\n  grade dev check" in done.stdout
    return tmp_path / "mine"


def test_new_course_is_whole_and_its_workflow_passes(made: Path) -> None:
    """What its workflow runs is run, but for the installation of the kit."""
    workflow = yaml.safe_load((made / ".github/workflows/check.yml").read_text("utf-8"))
    install, *steps = [s["run"] for s in workflow["jobs"]["check"]["steps"] if "run" in s]
    assert install.endswith("-r requirements.txt")
    assert (made / "requirements.txt").read_text() == "git+https://example.org/kit@v1\n"
    for step in steps:
        command, *words = step.split()
        assert command == "grade"
        done = run_grade(made, *words)
        assert (done.returncode, done.stdout) == (0, "Nothing is wrong.\n")


def test_learner_works_in_a_new_course(made: Path) -> None:
    text = (made / "README.md").read_text("utf-8")
    assert text.startswith("# mine\n")
    assert "TO WRITE" not in "".join(f.read_text() for f in made.rglob("*.*") if f.is_file())
    assert "day01 1" in run_grade(made, "next").stdout
    (made / "exercises/day01/exercise.py").write_text(
        (made / "tests/mistakes/day01/1_right_in_two_lines.py").read_text("utf-8"), "utf-8"
    )
    assert run_grade(made, "day01").returncode == 0
    assert run_grade(made, "dev", "new", "day02").returncode == 0


@pytest.mark.parametrize("name", ["full", "file"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    (tmp_path / "file").touch()
    done = run_grade(tmp_path, "dev", "course", name)
    assert (done.returncode, f"{name} is there already" in done.stderr) == (2, True)


def test_kit_is_named_as_pip_can_install_it() -> None:
    """By the place that it was installed from, as it is noted there; else by its version."""
    from packaging.requirements import Requirement

    assert Requirement(installed_kit()).name == "fastapi-async-course"
    code = "from grader.authoring.new_course import installed_kit; print(installed_kit())"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("fastapi-async-course")
