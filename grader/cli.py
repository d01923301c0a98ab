"""The command `grade`."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import course
from .errors import CourseError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from .report import Report
    from .saving import Page

EXAMPLES = """\b
Examples:
  grade                     where you stand, and what is next
  grade day53               grade a lesson
  grade day53 2 4           grade exercises 2 and 4 of it
  grade day53 --all         every failing exercise in detail
  grade day53 --html report.html
                            a page with the verdicts, their pictures and hints
  grade hint day53 2        a hint for exercise 2
"""


class CourseGroup(click.Group):
    """A group whose default command is to grade: `grade day53` is `grade check day53`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {*self.commands, "--help", "--version"}
        if not args or args[0] not in own:
            args = ["check", *args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CourseError as error:
            _complain(error.problem, error.remedy)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            _complain("stopped")
            ctx.exit(130)
        except BrokenPipeError:  # whoever read the output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            ctx.exit(1)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except Exception:
            traceback.print_exc()
            _complain("the grader broke", "this is not your fault: please report the text above")
            ctx.exit(3)


def _complain(problem: str, remedy: str = "") -> None:
    click.echo(f"grade: {problem}", err=True)
    if remedy:
        click.echo(f"       {remedy}", err=True)


@click.group(cls=CourseGroup, epilog=EXAMPLES)
@click.version_option(package_name="fastapi-async-course", prog_name="grade")
def main() -> None:
    """Grade your answers to the async FastAPI course.

    LESSON and the numbers of exercises can be given at once: `grade day53 2`. For the
    options of grading see `grade check --help`.
    """


@main.command(epilog=EXAMPLES)
@click.argument("lesson", required=False)
@click.argument("exercises", nargs=-1)
@click.option("--file", type=click.Path(path_type=Path), help="Grade another file.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["rich", "plain", "json", "junit"]),
    default="rich",
    help="How to show the result.",
)
@click.option("--html", type=click.Path(path_type=Path), help="Also write a page to look at.")
@click.option("--all", "everything", is_flag=True, help="Every failing exercise in detail.")
@click.option("--seed", type=click.IntRange(min=0), help="Draw the values of an earlier run.")
@click.pass_context
def check(
    ctx: click.Context,
    lesson: str | None,
    exercises: tuple[str, ...],
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
    from .judge.grading import Grading

    if lesson is None:
        if file is not None:
            raise UsageError("--file needs a lesson", "for example: grade day53 --file my.py")
        chosen = course.lessons()
    else:
        chosen = (course.lesson(lesson),)
    numbers = tuple(dict.fromkeys(one.number_of(word) for one in chosen for word in exercises))
    if style in ("rich", "plain"):
        from .render import overview  # noqa: F401  while the worker still imports

    answers = [
        (one, file or course.workspace() / "exercises" / one.name / "exercise.py") for one in chosen
    ]
    with ExitStack() as stack:
        page = stack.enter_context(_page(html, answers))
        grading = stack.enter_context(Grading())
        reports = [
            grading.grade(one, path, numbers, seed, shown_as=_shown(path)) for one, path in answers
        ]
        _show(reports, style, everything, overview=lesson is None)
        if page is not None:
            page.save(reports)
    ctx.exit(max(report.exit_code for report in reports))


def _page(
    html: Path | None, answers: list[tuple[course.Lesson, Path]]
) -> AbstractContextManager[Page | None]:
    if html is None:
        return nullcontext()
    from .saving import Page

    return Page(html, answers)


def _show(reports: list[Report], style: str, everything: bool, overview: bool) -> None:
    match style:
        case "json":
            from .render.as_json import to_json

            sys.stdout.write("".join(map(to_json, reports)))
        case "junit":
            from .render.junit import to_junit

            sys.stdout.write(to_junit(reports))
        case _:
            _print(reports, style, everything, overview)


def _print(reports: list[Report], style: str, everything: bool, overview: bool) -> None:
    from .render.overview import show_overview
    from .render.terminal import show

    console = _console(plain=style == "plain")
    for report in reports:
        if overview:
            show_overview(report, console)
        else:
            show(report, console, everything)


def _console(plain: bool) -> Console:
    from rich.console import Console

    if plain:
        return Console(force_terminal=False, no_color=True, width=_columns(), emoji=False)
    return Console(highlight=False, width=_columns(), emoji=False)


def _columns() -> int | None:
    """The width that the user asked for by COLUMNS; a pipe gets eighty."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdigit() and int(asked) > 0:
        return max(40, int(asked))
    return None if sys.stdout.isatty() else 80


def _shown(path: Path) -> str:
    """A path as the learner would write it."""
    try:
        return str(Path(os.path.abspath(path)).relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@main.command(epilog="\b\nExample:\n  grade hint day53 2 --step 2\n")
@click.argument("lesson")
@click.argument("exercise", type=int)
@click.option("--step", type=click.IntRange(min=1), default=1, help="How far up the ladder.")
def hint(lesson: str, exercise: int, step: int) -> None:
    """Show a hint; each step says more than the one before."""
    from .hints import ladder

    chosen = course.lesson(lesson)
    steps = ladder(chosen, chosen.exercise(exercise))
    step = min(step, len(steps))
    click.echo(f"Exercise {exercise}, hint {step} of {len(steps)}\n\n{steps[step - 1]}")
    if step < len(steps):
        click.echo(f"\nmore: grade hint {lesson} {exercise} --step {step + 1}")
