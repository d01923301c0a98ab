"""The screen: one page at a time, or one below the other where nothing can be taken back."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from ..render.console import console

Page = Callable[[Console], object]
"""Prints itself. Called again when the window has another size."""

CLEAR = "\x1b[?2026h\x1b[1;2H\x1b[J\x1b[H\x1b[K"
"""Show what follows at once; clear all but the first column, then the first line. (To clear
all at once, tmux and others would first copy it to what can be scrolled back to.)"""
SHOW = "\x1b[?2026l"


class Screen:
    """Where the pages go.

    Args:
        keys: the line about the keys; empty if there are none.
    """

    def __init__(self, keys: str) -> None:
        self._console = console()
        self._keys = keys
        # Of a dumb terminal rich does not know the size.
        self._follows = sys.stdout.isatty() and not os.environ.get("COLUMNS", "").isdecimal()
        dull = self._console.no_color or self._console.is_dumb_terminal
        self._clears = bool(keys) and sys.stdout.isatty() and not dull
        self._page: Page | None = None
        self._below = ""
        self._status = ""
        self._part = 0

    def show(self, page: Page, below: str) -> None:
        """Show a page in the place of the last one, and `below` it a short line."""
        is_first = self._page is None
        self._page, self._below, self._status, self._part = page, below, "", 0
        if self._clears:
            self.redraw()
        else:
            self._write(self._drawn(self._whole if is_first else self._next))

    def show_status(self, words: str) -> None:
        """Show other words below the page for a while; none brings its own back.

        Where nothing can be taken back only the first words are printed.
        """
        known, self._status = self._status, words
        if self._clears and words != known:
            self.redraw()
        elif words and not known and not self._clears:
            self._write(self._drawn(lambda console: self._line(console, words)))

    def redraw(self) -> None:
        """Draw what is shown again, for the window as it is now."""
        if self._clears and self._page is not None:
            self._write(CLEAR + self._fitted(self._page) + SHOW)

    def turn(self) -> None:
        """Show what did not fit into the window; after the end of it, the beginning."""
        self._part += 1
        self.redraw()

    def _fitted(self, page: Page) -> str:
        """As much of the page as fits into the window, and what stands below it."""
        lines = self._drawn(page).rstrip("\n").split("\n")
        room = _window().lines - 2
        parts = list(_parts(lines, self._console.width, room))
        part = self._part % len(parts)
        more = f"space: more ({part + 1} of {len(parts)})" if len(parts) > 1 else ""
        below = "   ".join(filter(None, [self._status or self._below, more]))
        return "\n".join(parts[part]) + "\n" + self._drawn(partial(self._end, below)).rstrip("\n")

    def close(self) -> None:
        """Leave the last page, and the cursor below it."""
        if self._clears and self._page is not None:
            self._write("\n")

    def _whole(self, console: Console) -> None:
        assert self._page is not None
        self._page(console)
        self._end(self._below, console)

    def _end(self, below: str, console: Console) -> None:
        self._line(console, below)
        self._line(console, self._keys)

    def _next(self, console: Console) -> None:
        console.print(Rule(style="dim", characters="─"))
        self._whole(console)

    def _line(self, console: Console, words: str) -> None:
        if words:
            console.print(Text(words, "dim"), soft_wrap=True)

    def _drawn(self, page: Page) -> str:
        if self._follows:
            self._console.width = _window().columns
        with self._console.capture() as captured:
            page(self._console)
        return captured.get()

    def _write(self, text: str) -> None:
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError as error:
            if error.errno == errno.EIO:  # the terminal is gone
                raise SystemExit(128 + signal.SIGHUP) from error
            raise


def _parts(lines: list[str], width: int, room: int) -> Iterator[list[str]]:
    """The lines, in parts that fit into so many rows of a window."""
    part: list[str] = []
    rows = 0
    for line in lines:
        needs = max(1, -(-Text.from_ansi(line).cell_len // width))
        if part and rows + needs > room:
            yield part
            part, rows = [], 0
        part.append(line)
        rows += needs
    yield part


def _window() -> os.terminal_size:
    """The size of the window now; some terminals don't say."""
    size = os.terminal_size((0, 0))
    with contextlib.suppress(OSError):
        size = os.get_terminal_size(sys.stdout.fileno())
    return os.terminal_size((size.columns or 80, size.lines or 25))
