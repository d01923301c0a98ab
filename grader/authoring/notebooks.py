"""What can be wrong with a lesson's notebook."""

from __future__ import annotations

import ast
import asyncio
import inspect
import io
import json
import threading
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import msgspec

from ..course.files import shown
from ..model.problems import Problem
from .problems import missing_file

PYTHON = "python3"
"""The kernel that every notebook names."""


class _Cell(msgspec.Struct):
    """What is relied on in a cell; there may be more."""

    cell_type: str
    source: str | list[str]
    metadata: dict[str, Any]


class _Notebook(msgspec.Struct):
    """What is relied on in a notebook."""

    cells: list[_Cell]
    metadata: dict[str, Any]


def problems_of_notebook(file: Path) -> Iterator[Problem]:
    """What can be seen to be wrong with it: what was left in it. Whether its cells run is not."""
    if not file.is_file():
        yield missing_file(file)
    elif error := _misread(file):
        yield Problem(shown(file), 1, f"this isn't a notebook: {error}", "save it with Jupyter")
    else:
        yield from leftovers(file)


def is_notebook(file: Path) -> bool:
    """Whether it is there and can be read, so that its cells can be run."""
    return file.is_file() and not _misread(file)


def _misread(file: Path) -> str:
    """Why a file can't be read as a notebook; empty if it can."""
    try:
        msgspec.json.decode(file.read_bytes(), type=_Notebook)
    except msgspec.DecodeError as error:
        return str(error)
    return ""


def leftovers(file: Path) -> Iterator[Problem]:
    """Outputs, counts and metadata left behind by the last person to open it."""
    content = json.loads(file.read_text("utf-8"))
    kernel = content["metadata"].get("kernelspec", {}).get("name")
    if kernel not in (PYTHON, None):
        yield Problem(shown(file), 1, f"the kernel is {kernel!r}, and should be {PYTHON!r}")
    if extra := set(content["metadata"]) - {"kernelspec", "language_info"}:
        yield Problem(shown(file), 1, f"the metadata holds {', '.join(sorted(extra))}")
    for number, cell in enumerate(content["cells"], start=1):
        if cell.get("outputs") or cell.get("execution_count") or cell["metadata"]:
            what = f"cell {number} holds an output, a count or metadata"
            yield Problem(shown(file), number, what, "clear all outputs, and save")
    ids = [cell.get("id") for cell in content["cells"]]
    if len(set(ids)) < len(ids):
        yield Problem(shown(file), 1, "two cells have the same id")


def failing_cell(file: Path) -> Iterator[Problem]:
    """The first cell that raises, as Jupyter runs them: in order, in one namespace, and on a
    loop that is running already."""
    found: list[Problem] = []
    thread = threading.Thread(target=lambda: found.extend(asyncio.run(_run(file))))
    with redirect_stdout(io.StringIO()):
        thread.start()
        thread.join()
    yield from found


async def _run(file: Path) -> list[Problem]:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for number, source in python_cells(file):
        try:
            code = compile(
                source,
                f"{file.name}[{number}]",
                "exec",
                flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
                dont_inherit=True,
            )
            result = eval(code, namespace)
            if inspect.iscoroutine(result):
                await result
        except Exception as error:
            what = f"cell {number} raises {type(error).__name__}: {error}"
            return [Problem(shown(file), number, what)]
    return []


def python_cells(file: Path) -> list[tuple[int, str]]:
    """The cells that are Python, with their numbers; a magic only a kernel can run."""
    content = json.loads(file.read_text("utf-8"))
    cells = [(n, "".join(c["source"]), c["cell_type"]) for n, c in enumerate(content["cells"], 1)]
    return [(n, source) for n, source, kind in cells if kind == "code" and source[:1] != "%"]
