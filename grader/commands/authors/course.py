"""`grade dev course my-course`: a course of one's own."""

from __future__ import annotations

from pathlib import Path

import click

from ...course.files import shown
from ...model.errors import UsageError
from ..words import CourseCommand

EXAMPLES = """\b
Examples:
  grade dev course my-course
  grade dev course my-course --kit "git+https://example.org/kit@v1"
"""


@click.command(
    "course", cls=CourseCommand, epilog=EXAMPLES, short_help="Make a course of your own."
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--kit", help="What pip installs as the kit; without it, what this one was installed from."
)
def command(folder: Path, kit: str | None) -> None:
    """Make a folder with a course of your own: a lesson that is whole, a README, and a workflow
    that checks the lessons on each push.

    It depends on the kit, and contains none of it. `requirements.txt` says where pip finds it.
    """
    from ...authoring.new_course import course_files, installed_kit
    from ...authoring.scaffold import write

    root = folder.resolve()
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UsageError(f"{shown(root)} is there already", "name a folder that is new or empty")
    kit = kit or installed_kit()
    try:
        write(course_files(root, kit))
    except OSError as error:
        raise UsageError(f"{shown(root)} can't be made: {error.strerror}") from error
    click.echo(f"Your course is in {shown(root)}. Go on with:\n")
    click.echo(f"  cd {shown(root)}\n  git init\n  grade dev check")
    if "file://" in kit:
        click.echo(
            "\nrequirements.txt names the kit by a folder on this machine. Put there what others"
            "\ncan install, such as git+https://example.org/kit@v1."
        )
