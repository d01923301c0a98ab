"""`grade class FOLDER --lesson dayNN`: grade what a class has handed in."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...course import catalog
from ...model.errors import UsageError
from ..words import CourseCommand
from .options import takes_lessons, takes_results

if TYPE_CHECKING:
    from rich.console import Console

    from ...classroom.running import Grade
    from ...classroom.session import ClassSession
    from ...classroom.store import Store
    from ...course.catalog import Lesson

EXAMPLES = """\b
Examples:
  grade class handed-in/ --lesson dayNN
  grade class moodle.zip --lesson dayNN --names class.csv
  grade class handed-in/ --lesson dayNN --resume     what is new, or was left
  grade class handed-in/ --lesson dayNN --cluster tcp://192.0.2.7:8786
"""
MOST_NAMED = 20
"""Works that are named because they could not be graded."""


@click.command(
    "grade",
    cls=CourseCommand,
    epilog=EXAMPLES,
    short_help="Grade a class; `grade class FOLDER` does the same.",
)
@click.argument("submissions", metavar="FOLDER", type=click.Path(path_type=Path))
@takes_lessons
@click.option("--names", type=click.Path(path_type=Path), help="A CSV file with the class's names.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Processes that grade at once.")
@click.option("--cluster", metavar="ADDRESS", help="Grade on the workers of a Dask cluster.")
@click.option("--resume", is_flag=True, help="Grade only what is new or has changed.")
@click.option("--seed", type=click.IntRange(min=0), help="Draw the values of an earlier run.")
@click.option(
    "--file-times", is_flag=True, help="Take a file's last change as when it was handed in."
)
@takes_results
@click.pass_context
def command(
    ctx: click.Context,
    submissions: Path,
    lessons: tuple[Lesson, ...],
    names: Path | None,
    jobs: int | None,
    cluster: str | None,
    resume: bool,
    seed: int | None,
    file_times: bool,
    results: Path,
) -> None:
    """Grade what a class has handed in: a folder, or the zip of a learning platform.

    Everyone gets the same values. Each file is in a container of its own, if bubblewrap can make
    one. What is graded is kept at once: stop with Ctrl-C, and go
    on with --resume.

    Exit status: 0 if all could be graded, whatever the verdicts; 1 if something could not; 3
    if the grader broke, or a cluster was lost; 130 if it was stopped.
    """
    if not lessons:
        raise UsageError("which lesson is it?", f"for example: --lesson {_first()}")
    if resume and seed is not None:
        raise UsageError("--resume keeps the seed of the run that it goes on with", "omit --seed")
    if cluster is not None:
        _check_cluster(cluster, jobs)
    from ...classroom.finding import works
    from ...classroom.session import ClassSession
    from ...classroom.store import Store

    found = works(submissions, lessons, names, file_times)
    with Store(results, must_exist=False) as store:
        session = ClassSession(store, submissions, found, lessons, resume, seed)
        is_whole = _grade(session, jobs, cluster)
        _show(store, lessons)
    _name_problems(session)
    click.echo(f"The results are in {results}.")
    if not is_whole:
        click.echo("Stopped. Go on with the same command and --resume.", err=True)
    ctx.exit(_exit_code(session, is_whole))


def _first() -> str:
    return catalog.lessons()[0].name


def _check_cluster(address: str, jobs: int | None) -> None:
    from ...classroom.cluster.connecting import LOCAL, check_address

    check_address(address)
    if jobs is not None and address != LOCAL:
        raise UsageError("each worker of a cluster has as many jobs as threads", "omit -j")


def _grade(session: ClassSession, jobs: int | None, cluster: str | None) -> bool:
    from rich.console import Console

    from ...classroom.progress import shown_progress
    from ...classroom.running import processors

    total = sum(len(batch.works) for batch in session.todo)
    if session.kept:
        click.echo(f"{session.kept} have a verdict already, {total} are to be graded.", err=True)
    if not total:
        return True
    _say_if_not_contained(cluster)
    console = Console(stderr=True)
    grade = _way_to_grade(cluster, jobs or processors(), console)
    with shown_progress(total, console) as advance:
        return session.grade(grade, lambda batch: advance(len(batch.works)))


def _say_if_not_contained(cluster: str | None) -> None:
    from ...processes.container import lacks_for_containers

    if cluster is None and (lacks := lacks_for_containers()):
        click.echo(f"No file is in a container of its own: {lacks}. See SECURITY.md.", err=True)


def _way_to_grade(cluster: str | None, jobs: int, console: Console) -> Grade:
    from ...classroom.running import grade_here

    if cluster is None:
        return partial(grade_here, jobs=jobs)
    from ...classroom.cluster.crew import grade_on_cluster

    say = partial(console.print, markup=False, highlight=False, soft_wrap=True)
    return partial(grade_on_cluster, address=cluster, workers=jobs, say=say)


def _show(store: Store, lessons: tuple[Lesson, ...]) -> None:
    from ...classroom.gradebook import scores
    from ...classroom.points import class_rules
    from ...classroom.summary import show_summary
    from ...render.console import console

    rules = class_rules()
    for lesson in lessons:
        show_summary(lesson, scores(store, lesson, rules), console())


def _name_problems(session: ClassSession) -> None:
    """Those that could not be graded, each with the reason."""
    from ...render.text import on_one_line

    if session.problems:
        click.echo(f"{len(session.problems)} could not be graded:")
    for work, problem in session.problems[:MOST_NAMED]:
        click.echo(f"  {work.lesson} {on_one_line(f'{work.student.name}: {problem}')}")
    if len(session.problems) > MOST_NAMED:
        click.echo(f"  … and {len(session.problems) - MOST_NAMED} more")


def _exit_code(session: ClassSession, is_whole: bool) -> int:
    if not is_whole:
        return 130
    if session.is_broken:
        return 3
    return 1 if session.problems else 0
