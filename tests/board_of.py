"""A real board: the process that `grade board` is, for tests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]


class ServedBoard:
    """A board that serves on loopback.

    Attributes:
        data: its folder.
        join: the address that learners report to.
        mine: the instructor's page.
    """

    def __init__(self, data: Path, *words: str, port: int = 0, **env: str) -> None:
        self.data = data
        self._process = subprocess.Popen(
            [sys.executable, "-m", "grader", "board", "--data", data, "--port", str(port), *words],
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        said = ""
        while "Stop with" not in said:
            line = self._process.stdout.readline()
            assert line, f"the board does not start: {self._process.communicate()[1]}"
            said += line
        self.join, self.mine = re.findall(r"http://\S+", said)

    @property
    def url(self) -> str:
        """Without a token."""
        return self.join.partition("/#")[0]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def end(self, number: int = signal.SIGINT) -> int:
        """Send it a signal; its exit status."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        self._process.communicate()
        return self._process.returncode


@contextmanager
def served_board(data: Path, *words: str, port: int = 0, **env: str) -> Iterator[ServedBoard]:
    """A board for as long as the block lasts."""
    board = ServedBoard(data, *words, port=port, **env)
    try:
        yield board
    finally:
        board.end(signal.SIGKILL)
