"""`grade day53 2`: grade a lesson, or some of its exercises."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..course import catalog
from ..course.answers import Answers, answers_file
from ..course.files import shown
from ..model.errors import UsageError
from .progress_file import progress_file
from .words import ExerciseNumber, LessonName

if TYPE_CHECKING:
    from ..course.catalog import Exercise, Lesson
    from ..model.report import Report
    from ..render.saving import Page

EXAMPLES = """\b
Examples:
  grade day53               grade a lesson
  grade day53 2 4           grade exercises 2 and 4 of it
  grade day53 2 --watch     grade exercise 2 whenever the file is saved
  grade day53 --all         every failing exercise in detail
  grade day53 --file my.py  grade another file
  grade day53 --html report.html
                            a page with the verdicts, their pictures and hints
"""


@click.command("check", epilog=EXAMPLES, short_help="Grade a lesson; `grade day53` does the same.")
@click.argument("lesson", type=LessonName(), required=False)
@click.argument("exercises", type=ExerciseNumber(), nargs=-1)
@click.option("--watch", is_flag=True, help="Grade what is saved, as it is saved.")
@click.option("--file", type=click.Path(path_type=Path), help="Grade another file.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["rich", "plain", "json", "junit", "classroom"]),
    default="rich",
    help="How to show the result.",
)
@click.option("--html", type=click.Path(path_type=Path), help="Also write a page to look at.")
@click.option("--all", "everything", is_flag=True, help="Every failing exercise in detail.")
@click.option("--seed", type=click.IntRange(min=0), help="SampleData the values of an earlier run.")
@click.pass_context
def command(
    ctx: click.Context,
    lesson: Lesson | None,
    exercises: tuple[Exercise, ...],
    watch: bool,
    file: Path | None,
    style: str,
    html: Path | None,
    everything: bool,
    seed: int | None,
) -> None:
    """Grade a lesson, or some of its exercises; without a lesson, say what is next.

    Exit status: 0 if all that was asked for passes, 1 if something does not, 2 for wrong
    usage or input, 3 if the grader broke.
    """
    if lesson is None and file is not None:
        raise UsageError("--file needs a lesson", "for example: grade day53 --file my.py")
    numbers = tuple(dict.fromkeys(exercise.number for exercise in exercises))
    if watch:
        if (style, html, everything) != ("rich", None, False):
            raise UsageError("--watch shows one verdict on the screen", "leave the rest out")
        ctx.exit(_watch(lesson, numbers, file, seed))
    from ..judge.grading import Grading

    if style in ("rich", "plain"):
        from ..render import overview  # noqa: F401  while the worker still imports

    chosen = (lesson,) if lesson else catalog.lessons()
    answers = [(one, file or answers_file(one)) for one in chosen]
    texts = [Answers(catalog.read_source(path)) for _, path in answers]
    with ExitStack() as stack:
        page = stack.enter_context(_page(html, answers))
        grading = stack.enter_context(Grading())
        reports = [
            grading.grade(one, path, numbers, seed, shown_as=shown(path)) for one, path in answers
        ]
        _show(reports, style, everything, overview=lesson is None)
        if page is not None:
            page.save(reports)
            click.echo(f"The page is in {html}", err=True)
    if file is None:
        progress_file().note(zip(chosen, texts, reports, strict=True), asked=lesson is not None)
    if style in ("rich", "plain") and lesson is not None:
        _tell_next(lesson, reports[0], texts[0])
    ctx.exit(max(report.exit_code for report in reports))


def _watch(
    lesson: Lesson | None, numbers: tuple[int, ...], file: Path | None, seed: int | None
) -> int:
    from ..watching import watch

    return watch(lesson, numbers, file, seed)


def _page(
    html: Path | None, answers: list[tuple[Lesson, Path]]
) -> AbstractContextManager[Page | None]:
    if html is None:
        return nullcontext()
    from ..render.saving import Page

    return Page(html, answers)


def _show(reports: list[Report], style: str, everything: bool, overview: bool) -> None:
    match style:
        case "json":
            from ..render.as_json import to_json

            sys.stdout.write("".join(map(to_json, reports)))
        case "junit":
            from ..render.junit import to_junit

            sys.stdout.write(to_junit(reports))
        case "classroom":
            from ..render.classroom import to_classroom

            sys.stdout.write(to_classroom(reports))
        case _:
            _print(reports, style, everything, overview)


def _tell_next(lesson: Lesson, report: Report, answers: Answers) -> None:
    """What there is to do: the task, if nothing else was asked for; or what comes next."""
    if [found.status for found in report.exercises] == ["todo"]:
        from ..render.console import console
        from ..render.listing import show_next

        exercise = lesson.exercise(report.exercises[0].number)
        click.echo()
        show_next(lesson, exercise, answers, report.file, console())
    elif report.exit_code == 0 and len(report.exercises) < len(lesson.exercises):
        found = progress_file().read().first_unsolved([lesson])
        if found is not None:
            number, title = found[1].number, found[1].title
            click.echo(f"Next: exercise {number}, {title}: grade {lesson.name} {number}")


def _print(reports: list[Report], style: str, everything: bool, overview: bool) -> None:
    from ..render.console import console
    from ..render.overview import show_overview
    from ..render.terminal import show

    screen = console(plain=style == "plain")
    for report in reports:
        if overview:
            show_overview(report, screen)
        else:
            show(report, screen, everything)
