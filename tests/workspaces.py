"""A learner's workspace with its notebooks, for the tests that run them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CONTENT = ("course.toml", "exercises", "lessons", "notebooks")


def workspace_in(folder: Path) -> Path:
    """A copy of what a learner works with."""
    workspace = folder / "course"
    workspace.mkdir()
    for name in CONTENT:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, workspace / name)
    return workspace


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def write(path: Path, notebook: Any) -> None:
    text = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False)
    path.write_text(f"{text}\n", "utf-8")
