"""Notebooks run from top to bottom in a real Jupyter kernel, unsolved and solved."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from workspaces import ROOT, workspace_in

from grader.course import catalog
from grader.course.answers import Answers, solution
from grader.course.catalog import Lesson
from grader.course.progress import ProgressFile
from grader.course.syntax import functions

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the Jupyter packages

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    return workspace_in(tmp_path)


def graded_cells(cells: list[Any]) -> dict[int, Any]:
    """Those that are graded, by the number of their exercise."""
    found = {}
    for cell in cells:
        match = re.match(r"%%grade day\d+ (\d+)\n", cell.source)
        if match:
            found[int(match[1])] = cell
    return found


def run(workspace: Path, notebook: Any) -> list[Any]:
    """Run a notebook where it lies; its outputs."""
    resources = {"metadata": {"path": str(workspace / "notebooks")}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def verdicts(cells: list[Any]) -> dict[int, str]:
    """What was said of each exercise."""
    return {n: cell.outputs[-1].data["text/plain"] for n, cell in graded_cells(cells).items()}


@every_notebook
def test_notebook_runs_as_it_comes_and_then_with_the_solutions(path: Path, workspace: Path) -> None:
    """As it comes every exercise is to do, which counts as no attempt. Then each passes. Of the
    solutions only the answers stand in the graded cells: what else they need stands before."""
    lesson = catalog.lesson(path.stem)
    notebook = nbformat.read(path, as_version=4)
    as_it_comes = list(notebook.cells)
    solved = cells_with_the_solutions(lesson, graded_cells(as_it_comes))
    notebook.cells += solved
    outputs = run(workspace, notebook)
    assert not [output for output in outputs if output.output_type == "error"]
    drawn = [cell for cell in as_it_comes if cell.source.endswith("\ntimeline(trace)")]
    assert drawn
    assert [cell.id for cell in drawn if "<svg" not in str(cell.get("outputs"))] == []
    for number, said in verdicts(as_it_comes).items():
        assert said.startswith(f"· {number} · "), said
    for number, said in verdicts(solved).items():
        assert said.startswith(f"✔ {number} · "), said
    progress = ProgressFile(workspace, print).read()
    found = [progress.exercise(lesson, exercise) for exercise in lesson.all_exercises]
    assert [(one.attempts, one.passes) for one in found] == [(1, 1)] * len(found)


def cells_with_the_solutions(lesson: Lesson, graded: dict[int, Any]) -> list[Any]:
    """What the answers need, and each graded cell with its answer in place of the stub."""
    answers = solution(lesson)
    texts = [without_answers(lesson, answers)]
    for number, cell in graded.items():
        magic = cell.source.partition("\n")[0]
        texts.append(f"{magic}\n{answers.answer(lesson.exercise(number))}")
    return [nbformat.v4.new_code_cell(text) for text in texts]


def without_answers(lesson: Lesson, answers: Answers) -> str:
    """A file's imports and helpers."""
    factories = {exercise.factory for exercise in lesson.all_exercises}
    tree = ast.parse(answers.text)
    kept = [node for node in tree.body if getattr(node, "name", "") not in factories]
    return "\n".join(map(ast.unparse, kept))


@every_notebook
def test_graded_cells_hold_the_stubs(path: Path) -> None:
    """Each exercise of the lesson, as it is in the file; so that it is known as not begun."""
    lesson = catalog.lesson(path.stem)
    stub = (ROOT / "exercises" / lesson.name / "exercise.py").read_text("utf-8")
    cells = graded_cells(nbformat.read(path, as_version=4).cells)
    assert sorted(cells) == [exercise.number for exercise in lesson.all_exercises]
    stubs = functions(stub)
    for exercise in lesson.all_exercises:
        magic, _, body = cells[exercise.number].source.partition("\n")
        assert magic == f"%%grade {lesson.name} {exercise.number}"
        mine = functions(body)[exercise.factory]
        assert ast.dump(mine) == ast.dump(stubs[exercise.factory])


@every_notebook
def test_notebook_is_written_as_jupyter_writes_it(path: Path) -> None:
    """So that the next to save it changes no more than what they changed."""
    text = path.read_text("utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert nbformat.writes(notebook) + "\n" == text
