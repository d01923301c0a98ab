"""The learner's keys, as they are pressed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

END = "\x04"
"""Ctrl-D."""
ESCAPE = "\x1b"
HANG_UP = ""
"""The terminal is gone."""

LOCAL, SPECIAL = 3, 6
"""Where `termios` keeps the local modes and the special characters."""

_SEQUENCE = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|O.|.)?", re.DOTALL)
"""What arrows, function keys and Alt send: more than one character, and none of our keys."""


@contextmanager
def keys(press: Callable[[str], object], resume: Callable[[], object]) -> Iterator[None]:
    """Call `press` with each key. Where stdin isn't a terminal, there are none.

    The terminal shows no typed characters meanwhile. It is put back in the end, and while
    the command is stopped with Ctrl-Z; `resume` is called when it goes on after that.
    """
    if not sys.stdin.isatty():
        yield
        return
    terminal = Terminal(sys.stdin.fileno())
    loop = asyncio.get_running_loop()

    def read() -> None:
        for key in terminal.read():
            press(key)

    def stop() -> None:
        terminal.restore()
        os.kill(os.getpid(), signal.SIGSTOP)
        terminal.give_keys()
        resume()

    terminal.give_keys()
    loop.add_reader(terminal.file, read)
    loop.add_signal_handler(signal.SIGTSTP, stop)
    try:
        yield
    finally:
        loop.remove_reader(terminal.file)
        loop.remove_signal_handler(signal.SIGTSTP)
        terminal.restore()


class Terminal:
    """A terminal that can give keys instead of lines."""

    def __init__(self, file: int) -> None:
        self.file = file
        self._before = termios.tcgetattr(file)

    def give_keys(self) -> None:
        """Each key at once, and not shown. Ctrl-C and Ctrl-Z stay signals."""
        mode: list[Any] = termios.tcgetattr(self.file)
        mode[LOCAL] &= ~(termios.ECHO | termios.ICANON)
        mode[SPECIAL] = [*mode[SPECIAL]]
        mode[SPECIAL][termios.VMIN], mode[SPECIAL][termios.VTIME] = 1, 0
        termios.tcsetattr(self.file, termios.TCSANOW, mode)

    def restore(self) -> None:
        with contextlib.suppress(termios.error):  # it may be gone
            termios.tcsetattr(self.file, termios.TCSANOW, self._before)

    def read(self) -> list[str]:
        try:
            pressed = os.read(self.file, 1024)
        except OSError:
            pressed = b""
        if not pressed:
            return [HANG_UP]
        text = pressed.decode("utf-8", "replace")
        return [*_SEQUENCE.sub(lambda found: found[0] if found[0] == ESCAPE else "", text).lower()]
