"""`pytest grader/checks`, as an editor's test panel runs it, and what GitHub runs on a push."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from grader.course.catalog import lessons

ROOT = Path(__file__).parents[1]
CHECKS = ROOT / "grader" / "checks"
MISTAKES = ROOT / "tests" / "mistakes" / "day53"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "exercises", tmp_path / "exercises")
    shutil.copy(ROOT / "course.toml", tmp_path)
    return tmp_path


def run(workspace: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=workspace,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"} | environment,
        capture_output=True,
        text=True,
    )


def run_checks(workspace: Path, *options: str) -> str:
    command = (sys.executable, "-m", "pytest", str(CHECKS), "-p", "no:cacheprovider", *options)
    return run(workspace, *command).stdout


def answer(workspace: Path, text: str, lesson: str = "day53") -> None:
    (workspace / "exercises" / lesson / "exercise.py").write_text(text)


def solve(workspace: Path, lesson: str = "day53") -> None:
    answer(workspace, (ROOT / "solutions" / lesson / "solution.py").read_text(), lesson)


def test_each_check_is_a_test(workspace: Path) -> None:
    """All pass on the solution."""
    solve(workspace)
    told = run_checks(workspace, "-k", "day53")
    assert re.search(r"=+ \d\d passed, \d+ deselected in ", told), told


def test_what_is_still_to_do_is_skipped(workspace: Path) -> None:
    stub = (ROOT / "exercises" / "day53" / "exercise.py").read_text()
    wrong = (MISTAKES / "2_awaited_in_turn.py").read_text()
    answer(workspace, stub.replace("def exercise_2(", "def stub_of_2(") + "\n\n" + wrong)
    told = run_checks(workspace, "-rs", "-k", "dashboard or value")
    assert "exercise 4 is still to do" in told
    assert re.search(r"\d failed, \d passed, \d skipped|\d failed, \d skipped", told), told


def test_a_failing_check_says_what_grade_says(workspace: Path) -> None:
    """The line comes first, in the form that editors make a link of."""
    answer(workspace, (MISTAKES / "2_awaited_in_turn.py").read_text())
    told = run_checks(workspace, "-k", "dashboard_overlaps_its_fetches")
    assert re.search(r"^exercises/day53/exercise.py:\d+$", told, re.MULTILINE)
    assert "      expected  " in told
    assert "wait for one call to end before the next one starts" in told
    assert "Traceback" not in told


def test_a_file_that_cannot_be_imported_fails_each_check_with_the_reason(workspace: Path) -> None:
    answer(workspace, "def exercise_2(:\n")
    told = run_checks(workspace, "-k", "dashboard_overlaps_its_fetches")
    assert "exercises/day53/exercise.py:1" in told
    assert "SyntaxError" in told or "not valid Python" in told


# A push


def workflow() -> Any:
    return yaml.safe_load((ROOT / ".github" / "workflows" / "grade.yml").read_text())


def step(name: str) -> Any:
    [job] = workflow()["jobs"].values()
    return next(step for step in job["steps"] if step.get("name") == name)


@pytest.mark.parametrize("is_solved", [True, False])
def test_a_push_is_graded(workspace: Path, tmp_path: Path, is_solved: bool) -> None:
    """The workflow's own step, run in its own shell; what it leaves is what GitHub reads."""
    if is_solved:
        for lesson in lessons():
            solve(workspace, lesson.name)
    else:
        answer(workspace, (MISTAKES / "2_awaited_in_turn.py").read_text())
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "grade"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m grader "$@"\n')
    command.chmod(0o755)
    done = run(
        workspace,
        *("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step("Grade")["run"]),
        PATH=f"{command.parent}:{os.environ['PATH']}",
        GITHUB_STEP_SUMMARY=str(tmp_path / "summary"),
        **step("Grade")["env"],
    )
    assert done.returncode == (0 if is_solved else 1), done.stderr
    summary = (tmp_path / "summary").read_text()
    for lesson in lessons():
        total = len(lesson.exercises)
        points = total if is_solved else 0
        assert f"## {lesson.name}: {points} of {total} exercises pass" in summary
    asked = [f"{lesson.name} {e.number}" for lesson in lessons() for e in lesson.exercises]
    form = (
        r"::(?:error|notice) file=exercises/(\w+)/exercise.py,line=\d+,title=(\1 \d) · [^:]+::\S.*"
    )
    messages = [re.fullmatch(form, line) for line in done.stdout.splitlines()]
    assert [found and found[2] for found in messages] == ([] if is_solved else asked)
    assert (workspace / step("Keep the page")["with"]["path"]).is_file()


def test_a_push_is_graded_by_the_kit_that_was_installed() -> None:
    """A learner's own repository has no say in the verdict."""
    assert step("Grade")["env"] == {"GRADER_COURSE": "kit"}


def test_the_container_asks_for_what_there_is() -> None:
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text()
    container = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    settings = container["customizations"]["vscode"]["settings"]
    assert [(ROOT / folder).is_dir() for folder in settings["python.testing.pytestArgs"]] == [True]
    assert "'.[notebooks]'" in container["postCreateCommand"]
