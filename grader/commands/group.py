"""The command `grade`: finds the command that is meant, and says what went wrong with it."""

from __future__ import annotations

import errno
import os
import traceback
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

from ..course.languages import LANGUAGE, is_language
from ..model.errors import CourseError
from ..model.version import APPLICATION
from . import COMMANDS
from .words import CommandGroup, lessons_like

EXAMPLES = """\b
Examples:
  grade                     where you stand, and what is next
  grade dayNN               grade a lesson
  grade dayNN 2 4           grade exercises 2 and 4 of it
  grade --watch             grade what you save, as you save it
  grade hint dayNN 2        a hint for exercise 2
"""


SURROUNDINGS = frozenset(
    (
        *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM),
        *(errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENAMETOOLONG, errno.ELOOP),
    )
)
"""Errors of the operating system that say something of the machine, and nothing of the grader."""


class CourseGroup(CommandGroup):
    """A group whose default command is to grade: `grade dayNN` is `grade check dayNN`."""

    package = __package__
    words = COMMANDS

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        count = 2 if args[:1] == ["--language"] else int(" ".join(args).startswith("--language="))
        options, args = args[:count], args[count:]
        is_own = args and args[0] in (*COMMANDS, "--help", "--version")
        if not is_own and not (ctx.resilient_parsing and not args):
            args = ["check", *args]
        return super().parse_args(ctx, [*options, *args])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands, and what the default command begins with: a lesson."""
        return [*lessons_like(incomplete), *super().shell_complete(ctx, incomplete)]

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CourseError as error:
            _complain(error.problem, error.remedy)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            _complain("stopped")
            ctx.exit(130)
        except BrokenPipeError:  # the reader of the output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            ctx.exit(1)
        except OSError as error:
            if error.errno not in SURROUNDINGS:
                self._own_up(ctx)
            place = f"{error.filename}: " if error.filename else ""
            _complain(
                f"{place}{error.strerror}",
                "check the space and the permissions there, and try again",
            )
            ctx.exit(3)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except Exception:
            self._own_up(ctx)

    def _own_up(self, ctx: click.Context) -> NoReturn:
        traceback.print_exc()
        _complain("the grader broke", "this is not your fault: please report the text above")
        ctx.exit(3)


def _complain(problem: str, remedy: str = "") -> None:
    click.echo(f"grade: {problem}", err=True)
    if remedy:
        click.echo(f"       {remedy}", err=True)


def _choose_language(_: click.Context, __: click.Parameter, code: str | None) -> None:
    if code is None:
        return
    if not is_language(code):
        raise click.BadParameter(f"{code!r} isn't the code of a language, such as de.")
    os.environ[LANGUAGE] = code


@click.group(cls=CourseGroup, epilog=EXAMPLES)
@click.option(
    "--language",
    metavar="CODE",
    expose_value=False,
    callback=_choose_language,
    help="The language of lessons, hints and quizzes, such as de; without it, your locale's.",
)
@click.version_option(package_name=APPLICATION, prog_name="grade")
def main() -> None:
    """Grade your answers to the exercises of a course.

    A lesson and the numbers of its exercises can follow at once, as in the examples below.
    `grade check --help` lists the options of grading.
    """
