"""`grade dev fill dayNN`: write what can be made of the lesson's other files."""

from __future__ import annotations

import click

from ...course.catalog import Lesson
from ...course.files import shown
from ...model.errors import UsageError
from ..words import CourseCommand, LessonName

EXAMPLES = """\b
Examples:
  grade dev fill         in all lessons
  grade dev fill dayNN   in one of them
"""


@click.command(
    "fill", cls=CourseCommand, epilog=EXAMPLES, short_help="Write transcripts, keys, stub copies."
)
@click.argument("lesson", type=LessonName(), required=False)
@click.pass_context
def command(context: click.Context, lesson: Lesson | None) -> None:
    """Run the programs of a lesson and of its quiz, and write below each what it prints. Copy the
    stub beside the solution, if it has a copy there. Make a notebook of the lesson, if it has none.

    Only what differs is written: a second call changes nothing. Exits with 1 if something
    can't be written, as when a program raises.
    """
    from ...authoring.filling import filled
    from ...authoring.own import own_course
    from ...authoring.pool import apart
    from ...authoring.scaffold import write
    from ...render.console import console
    from ...render.problems import show_problems

    course = own_course()
    lessons = (lesson,) if lesson else course.lessons
    with apart() as others:
        found = list(others.map(filled, lessons))
    files = {file: text for one in found for file, text in one.files.items()}
    problems = [problem for one in found for problem in one.problems]
    try:
        write(files)
    except OSError as error:
        raise UsageError(f"{error.filename} can't be written: {error.strerror}") from error
    for file in sorted(files):
        click.echo(f"wrote {shown(file)}")
    if problems:
        show_problems(problems, console())
    elif not files:
        click.echo("There is nothing to write.")
    context.exit(int(bool(problems)))
