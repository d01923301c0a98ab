"""`grade init DIR`: a workspace for those who installed the kit without cloning it."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from ..course import catalog
from ..course.answers import answers_file
from ..course.files import shown
from ..model.errors import UsageError

EXAMPLES = """\b
Examples:
  grade init my-course
  grade init .          in an empty folder, or one with files of yours
"""

FOLDERS = ("exercises", "lessons", "notebooks", "quizzes")
IGNORED = ".course/\n.venv/\n__pycache__/\n.ipynb_checkpoints/\n"


@click.command("init", epilog=EXAMPLES, short_help="Make a folder to work in.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Make a folder to work in: lessons, exercises, notebooks and quizzes.

    What is there already is never changed.
    """
    content = catalog.content_root()
    names = [*FOLDERS, "course.toml"]
    taken = [name for name in names if (folder / name).exists()]
    if taken:
        raise UsageError(
            f"{shown(folder / taken[0])} is there already", "name another folder, or work in it"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in FOLDERS:
            shutil.copytree(content / name, folder / name, ignore=shutil.ignore_patterns("__*"))
        for lesson in catalog.lessons():
            shutil.copy(catalog.stub_file(lesson.name), answers_file(lesson, folder))
        shutil.copy(content / "course.toml", folder)
        if not (folder / ".gitignore").exists():
            (folder / ".gitignore").write_text(IGNORED, "utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{shown(folder)} cannot be made: {reason}", "name another one") from error
    click.echo(f"Your course is in {shown(folder)}. Go on with:\n")
    if folder.resolve() != Path.cwd():
        click.echo(f"  cd {shown(folder)}")
    click.echo("  grade next")
