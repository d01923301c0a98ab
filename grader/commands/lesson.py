"""`grade lesson dayNN blocking-the-loop`: read a lesson, or one of its sections."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from ..course import catalog
from ..course.catalog import Lesson
from ..course.languages import translated
from ..model.errors import GraderError, UsageError
from .progress_file import progress_file
from .words import CourseCommand, LessonName

if TYPE_CHECKING:
    from ..render.outline import LessonSection

LESS = "-FRXS"
"""Settings of `less`: no keys for what fits on a screen, colours, and long lines to scroll."""

EXAMPLES = """\b
Examples:
  grade lesson                           the lesson that you are at
  grade lesson dayNN                     the whole lesson, page by page
  grade lesson dayNN --sections          what its sections are called
  grade lesson dayNN blocking-the-loop   one of them
  grade lesson dayNN block               the same: its beginning or a word of it is enough
  grade lesson dayNN 2                   the section that exercise 2 is about
"""


def _sections_like(
    ctx: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem | str]:
    """For a shell to complete."""
    from ..render.outline import outline

    lesson = ctx.params.get("lesson")
    parts = outline(_text(lesson)) if isinstance(lesson, Lesson) else []
    found = [part for part in parts if part.anchor.startswith(incomplete)]
    return [CompletionItem(part.anchor, help=part.title) for part in found]


@click.command(
    "lesson", cls=CourseCommand, epilog=EXAMPLES, short_help="Read a lesson, or a section of it."
)
@click.argument("lesson", type=LessonName(), required=False)
@click.argument("section", required=False, shell_complete=_sections_like)
@click.option("--sections", is_flag=True, help="List the sections instead.")
def command(lesson: Lesson | None, section: str | None, sections: bool) -> None:
    """Read a lesson, or the SECTION of it that a hint or a verdict names.

    SECTION is its name, the beginning of it or a word in it, or the number of an exercise.
    Without a lesson it is the one with the first exercise that you have not solved.
    The whole lesson comes page by page, with the program that PAGER names.
    """
    from ..render.console import console
    from ..render.outline import outline

    lesson = lesson or _current_lesson()
    text = _text(lesson)
    if sections:
        _list(lesson, outline(text))
    elif section is not None:
        _show_section(lesson, outline(text), section)
    else:
        from ..render.reading import show_markdown

        screen = console()
        with screen.capture() as shown:
            show_markdown(text, screen, lesson.name, whole=_scrolls())
        _page(shown.get())


def _current_lesson() -> Lesson:
    found = progress_file().read().first_unsolved(catalog.lessons())
    return found[0] if found else catalog.lessons()[-1]


def _text(lesson: Lesson) -> str:
    file = translated(catalog.course().lesson_text(lesson))
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise GraderError(f"{file} cannot be read", "restore it from the course") from error


def _list(lesson: Lesson, parts: list[LessonSection]) -> None:
    for part in parts:
        click.echo(f"{'  ' * (part.level - 2)}{part.anchor}")
    click.echo(f"\nread one: grade lesson {lesson.name} {parts[0].anchor}")


def _show_section(lesson: Lesson, parts: list[LessonSection], asked: str) -> None:
    from ..render.console import console
    from ..render.reading import show_markdown

    part = _the_one(lesson, parts, asked)
    screen = console()
    with screen.capture() as shown:
        show_markdown(part.text, screen, lesson.name, whole=_scrolls())
        # What the section holds has been shown: the next one is not deeper in.
        after = (p for p in parts[parts.index(part) + 1 :] if p.level <= part.level)
        following = next(after, None)
        if following is not None:
            screen.print(f"\nnext: grade lesson {lesson.name} {following.anchor}", soft_wrap=True)
    _page(shown.get())


def _scrolls() -> bool:
    """Whether a line may be longer than the terminal is wide: if there is none, or if the
    pager is `less` with our settings, where the arrow keys lead to the rest of it."""
    pager = os.environ.get("PAGER", "less").split() or ["less"]
    is_less = Path(pager[0]).name == "less" and shutil.which(pager[0]) is not None
    return not sys.stdout.isatty() or (is_less and os.environ.get("LESS", LESS) == LESS)


def _page(text: str) -> None:
    """Show a text page by page, on a terminal; what fits on one screen needs no keys."""
    os.environ.setdefault("LESS", LESS)
    click.echo_via_pager(text.rstrip("\n"), color=None if sys.stdout.isatty() else True)


def _the_one(lesson: Lesson, parts: list[LessonSection], asked: str) -> LessonSection:
    from ..render.outline import about, matching, nearest

    if asked.isdecimal():
        asked = _of_exercise(lesson, asked)
    found = matching(parts, asked)
    nearby = None if found else about(parts, asked)
    if nearby is not None:
        return nearby
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"several sections of {lesson.name} begin with {asked!r}", _named("it may be", found)
        )
    raise UsageError(
        f"{lesson.name} has no section {asked!r}",
        _named("its sections, the nearest first", nearest(parts, asked)),
    )


def _of_exercise(lesson: Lesson, number: str) -> str:
    from ..course.hints import section_of

    found = section_of(lesson, lesson.exercise_of(number))
    if not found:
        raise UsageError(
            f"no section is named for exercise {number}", f"read it all: grade lesson {lesson.name}"
        )
    return found


def _named(what: str, parts: list[LessonSection]) -> str:
    """The names of sections, in lines that a narrow terminal holds."""
    words = ", ".join(part.anchor for part in parts)
    lines = textwrap.wrap(words, 50, break_on_hyphens=False)
    return "\n         ".join([f"{what}:", *lines])
