"""What stands in a browser for parts of the judge has all that those have."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from grader.judge.clients import PlayerClient
from grader.judge.workers import Worker

ASKING = Path(__file__).parents[1] / "grader" / "wasm" / "asking.py"
OF_PROCESSES = {"fork", "contain"}
"""What a worker does for a client of its own kind."""


@pytest.mark.parametrize(
    ("real", "name"), [(PlayerClient, "BrowserClient"), (Worker, "BrowserWorkers")]
)
def test_stand_in_of_a_browser_has_every_method_of_the_real_one(real: type, name: str) -> None:
    """It can be imported in a browser alone, so its text is read."""
    tree = ast.parse(ASKING.read_text("utf-8"))
    [stand_in] = [one for one in tree.body if isinstance(one, ast.ClassDef) and one.name == name]
    wanted = {name for name in vars(real) if not name.startswith("_")} - OF_PROCESSES
    given = {one.name for one in stand_in.body if isinstance(one, ast.FunctionDef)}
    given |= {
        target.id
        for one in stand_in.body
        if isinstance(one, ast.Assign)
        for target in one.targets
        if isinstance(target, ast.Name)
    }
    assert wanted <= given
