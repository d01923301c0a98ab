"""The console that commands print to."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console(plain: bool = False) -> Console:
    """A console as wide as the terminal, or as COLUMNS says.

    Args:
        plain: no colour, whatever the terminal can do.
    """
    from rich.console import Console

    if plain:
        return Console(force_terminal=False, no_color=True, width=_columns(), emoji=False)
    return Console(highlight=False, width=_columns(), emoji=False)


def _columns() -> int | None:
    """The width that the user asked for by COLUMNS; a pipe gets eighty."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isascii() and asked.isdecimal() and int(asked) > 0:
        return max(40, int(asked))
    return None if sys.stdout.isatty() else 80
