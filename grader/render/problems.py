"""What is wrong with a lesson, one finding after the other."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from ..model.problems import Problem
from .text import counted, printable


def show_problems(problems: Sequence[Problem], console: Console) -> None:
    """Print each with its file and line, and what to do about it; or that all is well."""
    for one in problems:
        place = Text(f"{one.file}:{one.line}: ", "bold")
        console.print(place.append(printable(one.what), ""), soft_wrap=True)
        if one.remedy:
            console.print(Text(f"    {printable(one.remedy)}", "cyan"), soft_wrap=True)
    said = counted(len(problems), "finding") if problems else "Nothing is wrong."
    console.print(Text(said, "red" if problems else "green"))
