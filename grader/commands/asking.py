"""Asking a learner for an answer, on a terminal or through a pipe."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..course.quiz import Question


class Left(Exception):
    """The learner wants to stop here."""


class Skipped(Exception):
    """The learner wants to go on to the next question."""


def ask(prompt: str) -> str:
    """A line, without its end.

    Raises:
        Left: by Ctrl-C or Ctrl-D, or because the pipe is empty.
    """
    try:
        click.echo(prompt, nl=False)
        line = sys.stdin.readline()
    except UnicodeDecodeError:
        line = "\N{REPLACEMENT CHARACTER}\n"
    except KeyboardInterrupt:
        line = ""
    if not line:
        click.echo()
        raise Left
    line = line.encode("utf-8", "replace").decode().rstrip()
    if not is_terminal():
        click.echo(line)  # a terminal shows what is typed by itself
    return line


def is_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()


def ask_or_skip(prompt: str) -> str:
    """A line; see `ask`.

    Raises:
        Left: also by `q`.
        Skipped: by `s`.
    """
    return _heeded(ask(prompt))


def pause(prompt: str) -> None:
    """Wait until the learner has read.

    Raises:
        Left: also by `q`.
    """
    with suppress(Skipped):
        ask_or_skip(prompt)


def answer_to(question: Question) -> str:
    """An answer: letters, the printed lines, or `y` and `n` for an open question.

    Raises:
        Left, Skipped: instead of an answer.
    """
    match question.kind:
        case "choice":
            return _letters(question)
        case "typed":
            return _lines(question)
        case _:
            ask_or_skip("Answer aloud or on paper, then press Enter: ")
            return ""


def yes_or_no(prompt: str) -> bool:
    """Asked until it is one of them."""
    while True:
        word = ask_or_skip(f"{prompt} (y/n) ").casefold()
        if word in ("y", "yes", "n", "no"):
            return word.startswith("y")
        click.echo("Type y or n; s skips, q leaves.")


def _letters(question: Question) -> str:
    *most, last = (option.letter for option in question.options)
    several = len(question.key) > 1
    offered = f"{', '.join(most)} {'and' if several else 'or'} {last}"
    prompt = f"Which of {offered}? " if several else f"{offered}? "
    while True:
        letters = question.letters(ask_or_skip(prompt))
        if letters is not None:
            return letters
        what = "one or more of them, as in `a c`" if several else "one letter"
        click.echo(f"Type {what}; s skips, q leaves.")


def _lines(question: Question) -> str:
    click.echo("Type what is printed. An empty line ends it.")
    lines: list[str] = []
    while True:
        line = ask("> ")
        if line.strip() not in question.key.splitlines():
            _heeded(line)
        if line:
            lines.append(line)
        elif lines:
            return "\n".join(lines)
        else:
            click.echo("Type the lines; s skips, q leaves.")


def _heeded(line: str) -> str:
    match line.strip().casefold():
        case "q":
            raise Left
        case "s":
            raise Skipped
    return line
