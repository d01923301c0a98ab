"""What the solution did in the checks of an exercise, in words and as pictures."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from ..model.facts import CheckFacts, PlayFacts
from .bars import draw
from .sentences import sentences
from .text import printable
from .timeline import timeline


def show_facts(checks: Sequence[CheckFacts], console: Console) -> None:
    """Print for each check its sentence, and for each play what was seen in it."""
    for number, check in enumerate(checks, start=1):
        console.print(Text(f"{number}. {check.name}", "bold"), soft_wrap=True)
        console.print(Text(printable(check.says)), soft_wrap=True)
        if check.problem:
            console.print(Text(printable(check.problem), "red"), soft_wrap=True)
        for play in check.plays:
            _show_play(play, console)
        console.print()


def _show_play(play: PlayFacts, console: Console) -> None:
    console.print()
    for name, words in play.aspects:
        console.print(Text(f"  {name}: ", "cyan").append(printable(words), ""), soft_wrap=True)
    picture = timeline(play.trace)
    for said in sentences(picture):
        console.print(Text(f"  {printable(said)}"), soft_wrap=True)
    for line in draw(picture, console.width - 2):
        console.print(Text("  ") + line, soft_wrap=True)
