"""`grade notebook dayNN`: open the lesson's notebook in Jupyter."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import NoReturn

import click

from ..course import catalog
from ..course.catalog import Lesson
from ..course.files import shown
from ..model.errors import InputError, UsageError
from .words import INSTALL_NOTEBOOKS, CourseCommand, takes_lesson

EXAMPLES = """\b
Examples:
  grade notebook dayNN
  grade notebook dayNN --no-browser    on another machine: it prints the address
"""


@click.command(
    "notebook",
    cls=CourseCommand,
    epilog=EXAMPLES,
    short_help="Open a lesson's notebook in Jupyter.",
    context_settings={"ignore_unknown_options": True},
)
@takes_lesson
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def command(lesson: Lesson, options: tuple[str, ...]) -> NoReturn:
    """Open a lesson's notebook in Jupyter.

    OPTIONS are JupyterLab's own, such as --no-browser or --port 9999.
    """
    root = catalog.workspace()
    file = root / catalog.course().folders.notebooks / f"{lesson.name}.ipynb"
    if not file.is_file():
        raise InputError(f"{shown(file)} is not there", "make a workspace: grade init my-course")
    if importlib.util.find_spec("jupyterlab") is None:
        raise UsageError("Jupyter is not installed", f"install it: {INSTALL_NOTEBOOKS}")
    os.chdir(root)  # where the magics find the workspace
    # Else only the notebook's own folder is served, and its links lead nowhere.
    served = f"--ServerApp.root_dir={root}"
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", served, str(file), *options])
