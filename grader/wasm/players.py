"""A player of the kit in a browser's worker."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from typing import NoReturn

from ..model.details import Detail
from ..model.trace import Outcome, OutcomeKind, Trace, encode
from ..worker.messages import Load, PlayRequest, PlayResult
from ..worker.player import Player
from ..worker.world import World
from .stacks import without_loop

SCRATCH = "/home/pyodide/scratch"

Leave = Callable[[bytes], NoReturn]
"""Ends this worker, which says this with its last breath."""


class BrowserPlayer(Player):
    """Plays one file after another: a new worker for each would take a second.

    Args:
        leave: what `os._exit` is elsewhere, after the report on why.
    """

    def __init__(self, leave: Leave) -> None:
        super().__init__(-1, SCRATCH, World(), own_shared_memory=False)
        self._leave = leave

    def load(self, load: Load) -> None:
        if self._source is not None:
            self._source.forget()
        with redirect_stdout(self._capture), redirect_stderr(self._capture):
            super().load(load)

    def play(self, request: PlayRequest) -> PlayResult:
        with redirect_stdout(self._capture), redirect_stderr(self._capture), without_loop():
            return super().play(request)

    def _enclose(self, load: Load) -> None:
        os.makedirs(SCRATCH, exist_ok=True)
        os.chdir(SCRATCH)

    def _end(self, kind: OutcomeKind, line: int | None, detail: Detail | None = None) -> NoReturn:
        trace = Trace(outcome=Outcome(kind, line=line, detail=detail))
        self._leave(encode(self._with_output(trace)))
