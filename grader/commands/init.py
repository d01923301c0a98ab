"""`grade init DIR`: a workspace for those who installed the kit without cloning it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import click

from ..course import catalog
from ..course.answers import stub_or_none
from ..course.catalog import TABLE, Course
from ..course.files import shown
from ..course.languages import translations
from ..model.errors import UsageError
from .words import CourseCommand

EXAMPLES = """\b
Examples:
  grade init my-course
  grade init .          in an empty folder, or to get the lessons that are new
"""

IGNORED = ".course/\n.venv/\n__pycache__/\n.ipynb_checkpoints/\n"


@click.command("init", cls=CourseCommand, epilog=EXAMPLES, short_help="Make a folder to work in.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Make a folder to work in: lessons, exercises, notebooks and quizzes.

    In a folder that it made before, it adds what is new since. Files that are there already
    are never changed.
    """
    content = catalog.course()
    missing = dict(_missing(content, folder))
    has_table = (folder / TABLE).exists()
    taken = [path for path in _folders(content, folder) if path.exists()]
    if taken and (not has_table or not missing):
        raise UsageError(
            f"{shown(taken[0])} is there already", "name another folder, or work in it"
        )
    try:
        _put(content, folder, missing)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{shown(folder)} cannot be made: {reason}", "name another one") from error
    if has_table:
        click.echo("\n".join(["New here:", *(f"  {shown(path)}" for path in missing)]))
        return
    click.echo(f"Your course is in {shown(folder)}. Go on with:\n")
    if folder.resolve() != Path.cwd():
        click.echo(f"  cd {shown(folder)}")
    click.echo("  grade next")


def _folders(content: Course, folder: Path) -> list[Path]:
    names = content.folders
    kept = (names.exercises, names.lessons, names.notebooks, names.quizzes)
    return [*(folder / name for name in kept), folder / TABLE]


def _missing(content: Course, folder: Path) -> Iterator[tuple[Path, Path]]:
    """What a workspace should hold and does not: where it goes, and where it is found."""
    for lesson in content.lessons:
        places = (content.lesson_text, content.exercises, content.notebook, content.quiz)
        for place in places:
            source = place(lesson)
            target = folder / source.relative_to(content.root)
            if source.exists() and not target.exists():
                yield target, source
            for other in translations(source):
                beside = target.with_name(other.name)
                if not beside.exists():
                    yield beside, other


def _put(content: Course, folder: Path, missing: dict[Path, Path]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for target, source in missing.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__*"))
        else:
            shutil.copy(source, target)
    for lesson in content.lessons:
        answers = folder / content.answers(lesson).relative_to(content.root)
        found = stub_or_none(lesson)
        if answers.parent in missing and found is not None:
            answers.write_text(found.text, "utf-8", newline="")
    if not (folder / TABLE).exists():
        shutil.copy(content.root / TABLE, folder)
    if not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_text(IGNORED, "utf-8")
