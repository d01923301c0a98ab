"""`grade dayNN 2`: grade a lesson, or some of its exercises."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..course import catalog
from ..course.files import shown
from ..model.errors import UsageError
from .progress_file import progress_file
from .reporting import ReportOptions, begin, takes_reporting, tell
from .words import CourseCommand, ExerciseNumber, LessonName

if TYPE_CHECKING:
    from ..course.catalog import Exercise, Lesson
    from ..course.sources import SourceFile
    from ..judge.grading import Grading
    from ..model.report import Report
    from ..render.saving import Page
    from ..reporting.reporter import Reporter

EXAMPLES = """\b
Examples:
  grade dayNN               grade a lesson
  grade dayNN 2 4           grade exercises 2 and 4 of it
  grade dayNN 2 --watch     grade exercise 2 whenever the file is saved
  grade dayNN --all         every failing exercise in detail
  grade dayNN --file my.py  grade another file
  grade dayNN --file my.py --isolate
                            a stranger's file, in a container of its own
  grade dayNN --html report.html
                            a page with the verdicts, their pictures and hints
"""


@click.command(
    "check",
    cls=CourseCommand,
    epilog=EXAMPLES,
    short_help="Grade a lesson; `grade LESSON` does the same.",
)
@click.argument("lesson", type=LessonName(), required=False)
@click.argument("exercises", type=ExerciseNumber(), nargs=-1)
@click.option("--watch", is_flag=True, help="Grade what is saved, as it is saved.")
@click.option("--file", type=click.Path(path_type=Path), help="Grade another file.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["rich", "plain", "json", "junit", "github"]),
    default="rich",
    help="How to show the result.",
)
@click.option("--html", type=click.Path(path_type=Path), help="Also write a page to look at.")
@click.option("--hints", is_flag=True, help="Put the hints into the page, too, each folded.")
@click.option(
    "--all", "everything", is_flag=True, help="Every failing exercise and check in detail."
)
@click.option("--seed", type=click.IntRange(min=0), help="Draw the values of an earlier run.")
@click.option(
    "--isolation",
    type=click.Choice(["auto", "required"]),
    default="auto",
    help="Whether to refuse to grade where the system can't shut a file in.",
)
@click.option("--isolate", is_flag=True, help="Grade the file in a container of its own.")
@click.pass_context
@takes_reporting
def command(
    ctx: click.Context,
    lesson: Lesson | None,
    exercises: tuple[Exercise, ...],
    watch: bool,
    file: Path | None,
    style: str,
    html: Path | None,
    hints: bool,
    everything: bool,
    seed: int | None,
    isolation: str,
    isolate: bool,
    reporting: ReportOptions,
) -> None:
    """Grade a lesson, or some of its exercises; without a lesson, say what is next.

    Exit status: 0 if all that was asked for passes, 1 if something does not, 2 for wrong
    usage or input, 3 if the grader broke.
    """
    if lesson is None and file is not None:
        raise UsageError("--file needs a lesson", f"for example: grade {_first()} --file my.py")
    if hints and html is None:
        raise UsageError("--hints belongs to --html", "for a hint by itself: grade hint")
    _require(isolation, isolate)
    numbers = tuple(dict.fromkeys(exercise.number for exercise in exercises))
    reporter = reporting.reporter()
    if watch:
        others = (style, html, everything, isolate, reporting.preview)
        if others != ("rich", None, False, False, False):
            raise UsageError("--watch shows one verdict on the screen", "leave the rest out")
        ctx.exit(_watch(lesson, numbers, file, seed, reporter))
    from ..course.sources import source_file
    from ..judge.grading import Grading

    _import_renderer(style)
    chosen = (lesson,) if lesson else catalog.lessons()
    sources = [source_file(one, file) for one in chosen]
    with ExitStack() as stack:
        page = stack.enter_context(_page(html, sources, hints))
        grading = stack.enter_context(Grading())
        grading.is_contained = isolate
        reports = [_graded(one, grading, numbers, seed) for one in sources]
        sent = begin(reporter, zip(sources, reports, strict=True), reporting.preview)
        _show(reports, style, everything, overview=lesson is None)
        if page is not None:
            page.save(reports)
            click.echo(f"The page is in {html}", err=True)
    if file is None:
        _keep(sources, reports, asked=lesson is not None)
    if style in ("rich", "plain") and lesson is not None:
        _show_next(sources[0], reports[0])
    tell(sent)
    ctx.exit(max(report.exit_code for report in reports))


def _require(isolation: str, isolate: bool) -> None:
    """Refuse to grade where the system can't do what was asked for.

    Raises:
        UsageError: it can't.
    """
    if isolation == "required":
        from ..processes.isolation import require_isolation

        require_isolation()
    if isolate:
        from ..processes.container import require_containers

        require_containers()


def _import_renderer(style: str) -> None:
    """Import all that will show the verdict: while the worker still imports, and before a
    learner's code runs, which could write where modules are looked for."""
    match style:
        case "json":
            from ..render import as_json  # noqa: F401
        case "junit":
            from ..render import junit  # noqa: F401
        case "github":
            import rich.console  # noqa: F401

            from ..render import github  # noqa: F401
        case _:
            from ..render import bars, console, overview, terminal  # noqa: F401


def _first() -> str:
    return catalog.lessons()[0].name


def _graded(
    one: SourceFile, grading: Grading, numbers: tuple[int, ...], seed: int | None
) -> Report:
    if one.text is None:
        exercises = tuple(map(one.lesson.exercise, numbers)) or one.lesson.exercises
        return one.to_do(exercises, grading.seed if seed is None else seed)
    return one.checked(
        grading.grade(one.lesson, one.file, numbers, seed, shown(one.file), source=one.text)
    )


def _keep(sources: Sequence[SourceFile], reports: Sequence[Report], asked: bool) -> None:
    """Note what was found, except of lessons that aren't here yet."""
    found = [
        (one.lesson, one.answers, report)
        for one, report in zip(sources, reports, strict=True)
        if one.text is not None
    ]
    if found:
        progress_file().note(found, asked)


def _watch(
    lesson: Lesson | None,
    numbers: tuple[int, ...],
    file: Path | None,
    seed: int | None,
    reporter: Reporter | None,
) -> int:
    from ..watching import watch

    return watch(lesson, numbers, file, seed, reporter)


def _page(
    html: Path | None, sources: Sequence[SourceFile], hints: bool
) -> AbstractContextManager[Page | None]:
    if html is None:
        return nullcontext()
    from ..render.saving import Page

    return Page(html, sources, hints)


def _show(reports: list[Report], style: str, everything: bool, overview: bool) -> None:
    match style:
        case "json":
            from ..render.as_json import all_to_json, to_json

            sys.stdout.write(all_to_json(reports) if overview else to_json(reports[0]))
        case "junit":
            from ..render.junit import to_junit

            sys.stdout.write(to_junit(reports))
        case "github":
            _write_github(reports)
        case _:
            _print(reports, style, everything, overview)


def _write_github(reports: list[Report]) -> None:
    """Messages for the log of a workflow, and a summary where GitHub wants one."""
    from ..render.github import to_github, to_summary

    sys.stdout.write(to_github(reports))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with open(summary, "a", encoding="utf-8") as file:
            file.write(to_summary(reports))


def _show_next(one: SourceFile, report: Report) -> None:
    """What to do now: the task, if only one exercise was asked for; or what comes next."""
    lesson = one.lesson
    if [found.status for found in report.exercises] == ["todo"] and one.text is not None:
        from ..render.console import console
        from ..render.listing import show_next

        exercise = lesson.exercise(report.exercises[0].number)
        click.echo()
        show_next(lesson, exercise, one.answers, report.file, console())
    elif report.exit_code == 0 and len(report.exercises) < len(lesson.exercises):
        passing = [found.number for found in report.exercises]
        found = progress_file().read().first_unsolved([lesson], but=passing)
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
