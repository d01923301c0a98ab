"""`grade explain awaited-in-turn`: what the id of a verdict means."""

from __future__ import annotations

import re
from difflib import get_close_matches

import click
from click.shell_completion import CompletionItem

from ..course import catalog
from ..model.errors import UsageError
from .words import CourseCommand

EXAMPLES = """\b
Examples:
  grade explain                   all ids, with a line about each
  grade explain awaited-in-turn   what one of them means
"""

NEAREST = 5
"""How many ids are suggested for one that doesn't exist."""


def _ids_like(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem | str]:
    """For a shell to complete."""
    from ..judge.explaining import summaries

    known = summaries().items()
    return [CompletionItem(id_, help=says) for id_, says in known if id_.startswith(incomplete)]


@click.command(
    "explain",
    cls=CourseCommand,
    epilog=EXAMPLES,
    short_help="Explain what a verdict means, with a wrong and a right program.",
)
@click.argument("id_", metavar="[ID]", required=False, shell_complete=_ids_like)
def command(id_: str | None) -> None:
    """Explain the ID that a verdict names.

    Two small programs are played before your eyes, one that does it and one that doesn't, with
    the picture of each.
    """
    if id_ is None:
        _list()
    else:
        _explain(_known(id_))


def _list() -> None:
    from ..judge.explaining import summaries

    known = summaries()
    widest = max(map(len, known))
    for id_, says in known.items():
        click.echo(f"{id_:<{widest}}  {says}")
    click.echo("\nmore about one: grade explain awaited-in-turn")


def _known(asked: str) -> str:
    """The id that is meant.

    Raises:
        UsageError: there is none; the error names those that are most like it.
    """
    from ..judge.explaining import summaries

    known, name = summaries(), "-".join(asked.lower().split())
    if name in known:
        return name
    words = [id_ for id_ in known if name in id_]
    nearest = [*words, *get_close_matches(name, known, NEAREST, 0)][:NEAREST]
    raise UsageError(
        f"no verdict is called {asked!r}",
        f"the nearest: {', '.join(dict.fromkeys(nearest))}; all of them: grade explain",
    )


def _explain(id_: str) -> None:
    from ..judge.explaining import explain
    from ..render.console import console
    from ..render.explanation import explanation_lines

    screen = console()
    for line in explanation_lines(explain(id_), screen.width):
        screen.print(line, soft_wrap=True, highlight=False)
    for read in _sections(id_):
        click.echo(f"\nread: {read}")


def _sections(id_: str) -> list[str]:
    """The commands that show the sections of lessons which say that they explain it."""
    from ..render.outline import outline

    found = []
    for lesson in catalog.lessons():
        text = catalog.course().lesson_text(lesson).read_text("utf-8")
        parts = [part for part in outline(text) if id_ in _explained_by(part.text)]
        found += [f"grade lesson {lesson.name} {part.anchor}" for part in parts[-1:]]
    return found


def _explained_by(text: str) -> set[str]:
    """The ids that comments in a lesson name: `<!-- explains: race, stuck -->`."""
    named = re.findall(r"<!-- explains: (.*?) -->", text, re.DOTALL)
    return {id_ for ids in named for id_ in ids.replace(",", " ").split()}
