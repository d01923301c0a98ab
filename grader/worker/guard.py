"""Notices, from inside the process, code that computes and computes.

The kernel sends a signal after every twentieth of a second of CPU time, which a busy
machine does not inflate. If the loop has not come round for several of them, it is
blocked; if for many, or if the whole play goes on and on, it will never end. Those in which the
kit itself computed don't count.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from types import FrameType

from ..clock import VirtualLoop
from ..driver.recorder import Recorder
from ..processes import signs

TICK = 0.05
"""Seconds of CPU time between two looks."""
BLOCKED_AFTER = 6
ENDLESS_AFTER = 30
WHOLE_PLAY = 50
"""Looks that no honest play is long enough for: two and a half seconds of computing."""
IMPORTS_ENDLESS_AFTER = 160
"""Looks at imports of packages, which count for themselves: eight seconds of computing.

A big one that was installed without bytecode, as uv installs, is compiled meanwhile: SQLAlchemy
takes a second of it, and a machine may be several times slower than the one where that was seen.
"""
IMPORTLIB = "<frozen importlib._bootstrap>"


class Guard:
    """Watches one play.

    Args:
        on_endless: called with the line; does not return.

    Attributes:
        seen_at: the own line that it last saw running.
    """

    def __init__(self, on_endless: Callable[[int | None], None]) -> None:
        self._on_endless = on_endless
        self._recorder: Recorder | None = None
        signal.signal(signal.SIGPROF, self._look)
        self._last_turn = 0
        self._same_turn = self._looks = self._imports = 0
        self._own_cpu = 0.0
        self._is_beside: Callable[[str], bool] = lambda _: False
        self._name: str | None = None
        self.seen_at: int | None = None

    def arm(self, recorder: Recorder, loop: VirtualLoop, is_beside: Callable[[str], bool]) -> None:
        """Watch from now on.

        Args:
            is_beside: whether a file is the learner's: the one that is graded, or a helper.
        """
        self._recorder = recorder
        self._same_turn = self._looks = self._imports = 0
        self._own_cpu = recorder.own_cpu
        self._is_beside = is_beside
        self.seen_at = None
        signal.setitimer(signal.ITIMER_PROF, TICK, TICK)

    def line_now(self) -> int | None:
        """The own line that the calling thread is at, in the play being watched."""
        return self._recorder.lines.of_stack() if self._recorder else None

    def disarm(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        self._show(importing=False)
        self._recorder = None

    def _look(self, _: int, frame: FrameType | None) -> None:
        recorder = self._recorder
        if recorder is None:
            return
        line = recorder.lines.of_stack(frame) or recorder.last_own_line or self.seen_at
        self.seen_at = line
        importing = self._is_importing(frame)
        self._show(importing)
        if importing:
            self._imports += 1
            if self._imports >= IMPORTS_ENDLESS_AFTER:
                self._on_endless(line)
            return
        if recorder.own_cpu - self._own_cpu > TICK / 2:
            self._own_cpu = recorder.own_cpu
            return
        turn = recorder.clock.turns
        self._same_turn = self._same_turn + 1 if turn == self._last_turn else 0
        self._last_turn = turn
        self._looks += 1
        if self._same_turn == BLOCKED_AFTER and line and asyncio._get_running_loop() is not None:
            recorder.incident("loop-blocked", line=line, detail="computing")
        if self._same_turn >= ENDLESS_AFTER:
            self._on_endless(line)
        if self._looks >= WHOLE_PLAY:
            self._on_endless(self._line_of_threads(recorder) or line)

    def _is_importing(self, frame: FrameType | None) -> bool:
        """Whether the import of an installed package is what runs, and nothing of the learner's."""
        while frame is not None and not self._is_beside(frame.f_code.co_filename):
            if frame.f_code.co_filename == IMPORTLIB:
                return True
            frame = frame.f_back
        return False

    def _show(self, importing: bool) -> None:
        """Let the judge know, which measures this process, too."""
        if importing and self._name is None:
            self._name = signs.rename(signs.IMPORTS)
        elif not importing and self._name is not None:
            signs.rename(self._name)
            self._name = None

    def _line_of_threads(self, recorder: Recorder) -> int | None:
        lines = (recorder.lines.of_stack(frame) for frame in sys._current_frames().values())
        return next((line for line in lines if line is not None), None)
