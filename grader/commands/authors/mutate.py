"""`grade dev mutate dayNN 4`: which wrong answers do the checks let pass?"""

from __future__ import annotations

import click

from ...course.catalog import Exercise, Lesson
from ..words import CourseCommand, ExerciseNumber, takes_lesson

EXAMPLES = """\b
Examples:
  grade dev mutate dayNN     wrong answers to all exercises of a lesson
  grade dev mutate dayNN 4   to one of them
  grade dev mutate dayNN 4 --bank   and keep one for each check
"""


@click.command(
    "mutate",
    cls=CourseCommand,
    epilog=EXAMPLES,
    short_help="Make wrong answers, and show those that pass.",
)
@takes_lesson
@click.argument("exercise", type=ExerciseNumber(), required=False)
@click.option("--jobs", type=click.IntRange(min=1), help="How many processes; one per processor.")
@click.option("--bank", is_flag=True, help="Write one for each check into the bank.")
@click.pass_context
def command(
    context: click.Context,
    lesson: Lesson,
    exercise: Exercise | None,
    jobs: int | None,
    bank: bool,
) -> None:
    """Make wrong answers from the solution, with one change in each, and grade them.

    You see those that pass, and those that fail without a reason that helps. Write a check for
    the first, and look at the words of the second. If a change makes no difference, say so in
    `same_<lesson>.toml` beside the checks: a line with its id and the reason.
    Exits with 1 if one passes that has no such line.

    With --bank, the first that a check notices before all others goes into the bank, if it has
    none of that name. Say there what is wrong with it, or remove it.
    """
    from ...authoring.keeping import keep
    from ...authoring.marks import marks
    from ...authoring.mutant_trials import try_all
    from ...authoring.mutants import mutants
    from ...course.files import shown
    from ...render.console import console
    from ...render.mutants import show_mutants

    exercises = (exercise,) if exercise else lesson.all_exercises
    known = marks(lesson)
    made = [mutant for one in exercises for mutant in mutants(lesson, one)]
    tried = list(try_all(lesson, made, jobs))
    gone = [] if exercise else sorted(known.keys() - {mutant.id for mutant in made})
    show_mutants(tried, known, console())
    if gone:
        click.echo(f"\nNo change has these marks any more: {', '.join(gone)}")
    for file in keep(lesson, tried) if bank else ():
        click.echo(f"wrote {shown(file)}")
    context.exit(int(any(one.survives and one.mutant.id not in known for one in tried)))
