"""Runs a program of a lesson, as a learner has changed it, and keeps what it plays."""

from __future__ import annotations

import linecache
import os
import random
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from types import FrameType, ModuleType
from typing import Any

import msgspec

from ..clock import RanAway, Stuck
from ..clock.patching import replaced
from ..clock.standalone import clock_of_program
from ..driver.lines import Lines
from ..driver.recorder import sendable
from ..model.trace import Trace, encode
from ..render.scrubber import scrubbable
from ..testing.play import Plan
from ..worker.output import Capture
from . import stacks
from .leaving import leave
from .signals import SIGPROF

FOLDER = "/home/pyodide/program"
LOOK_EVERY = 0.05
"""Seconds of computing between two looks."""
LONGEST = 5.0
"""Seconds of computing after which a program is taken to be in an endless loop."""
MOST_PLAYS = 40
"""Plays of a program that are shown."""
MOST_BYTES = 2_000_000
"""Of the trace of a play that is shown."""
_SAID: dict[type[BaseException], str] = {
    RanAway: "still waits after 600 s on the program's clock, where it was ended.",
    Stuck: "waits for something that can't happen any more.",
    MemoryError: "takes more memory than the page has for a program, half a gigabyte.",
}
"""What is said of errors that aren't the program's own, or that say nothing themselves."""


class LessonProgram(msgspec.Struct, frozen=True):
    """What to run."""

    source: str
    name: str = "program.py"
    seed: int | None = None


class Raised(msgspec.Struct, frozen=True):
    """What came out of a program."""

    message: str
    line: int | None
    name: str
    traceback: str = ""


class Played(msgspec.Struct, frozen=True):
    """A play of a program."""

    line: int | None
    trace: msgspec.Raw
    timeline: str


class Ran(msgspec.Struct, frozen=True):
    """What became of a program: see `kernel.js`."""

    ended: str
    output: str
    error: Raised | None = None
    plays: tuple[Played, ...] = ()
    sentence: str = ""


def run(text: str) -> str:
    """Run a program.

    Args:
        text: a `LessonProgram` in JSON.

    Returns:
        A `Ran` in JSON.
    """
    running = Running(msgspec.json.decode(text, type=LessonProgram))
    return msgspec.json.encode(running.run()).decode()


class Running:
    """One run of a program."""

    def __init__(self, program: LessonProgram) -> None:
        self._program = program
        self._path = os.path.join(FOLDER, os.path.basename(program.name) or "program.py")
        self._lines = Lines(lambda name: name == self._path)
        self._capture = Capture(self._end_by_flood)
        self._plays: list[Played] = []
        self._looks = 0

    def run(self) -> Ran:
        """Run it to its end."""
        self._write()
        try:
            code = compile(self._program.source, self._path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            return self._ran("failed", _of_syntax(error))
        with self._watched(), redirect_stdout(self._capture), redirect_stderr(self._capture):
            return self._execute(code)

    def _write(self) -> None:
        os.makedirs(FOLDER, exist_ok=True)
        os.chdir(FOLDER)
        with open(self._path, "w", encoding="utf-8") as file:
            file.write(self._program.source)
        linecache.checkcache(self._path)

    def _execute(self, code: Any) -> Ran:
        module = ModuleType("__main__")
        module.__file__ = self._path
        try:
            with _main_module(module), _on_a_clock(self._program.source):
                exec(code, vars(module))
        except SystemExit as error:
            return self._exited(error)
        except BaseException as error:
            return self._failed(error)
        return self._ran("ok")

    def _failed(self, error: BaseException) -> Ran:
        raised, said = self._raised(error), _SAID.get(type(error))
        where = f"Line {raised.line}" if raised.line else "It"
        return self._ran("failed", raised, f"{where} {said}" if said else "")

    def _exited(self, error: SystemExit) -> Ran:
        if not error.code:
            return self._ran("ok")
        raised = msgspec.structs.replace(self._raised(error), message=str(error.code))
        return self._ran("failed", raised, f"The program ended itself with exit({error.code!r}).")

    def _raised(self, error: BaseException) -> Raised:
        line = self._lines.of_error(error)
        trace = error.__traceback__.tb_next if error.__traceback__ else None
        text = "".join(traceback.format_exception(type(error), error, trace, chain=True))
        return Raised(sendable(str(error)), line, type(error).__name__, sendable(text)[-8_000:])

    def _ran(self, ended: str, error: Raised | None = None, sentence: str = "") -> Ran:
        if ended != "ok" and not sentence and error is not None:
            where = f"Line {error.line}: " if error.line else ""
            sentence = f"{where}{error.name}: {error.message}" if error.message else error.name
        return Ran(ended, self._printed(), error, tuple(self._plays), sentence)

    def _printed(self) -> str:
        cut = self._capture.left_out
        return self._capture.text() + (f"\n… and {cut:,} characters more" if cut else "")

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Note its plays, and see that it comes to an end."""
        real, random_state = Plan.trace, random.getstate()
        if self._program.seed is not None:
            random.seed(self._program.seed)

        def noting(plan: Plan, *args: Any) -> Trace:
            line = self._lines.of_stack()
            trace = real(plan, *args)
            self._note(line, trace)
            return trace

        before = signal.signal(SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, LOOK_EVERY, LOOK_EVERY)
        try:
            with (
                replaced(Plan, trace=noting),
                replaced(stacks, tell_refused=self._leave),
                replaced(os, _exit=self._end_at_once),
            ):
                yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(SIGPROF, before)
            random.setstate(random_state)

    def _note(self, line: int | None, trace: Trace) -> None:
        if len(self._plays) >= MOST_PLAYS:
            return
        body = encode(trace)
        if len(body) <= MOST_BYTES:
            self._plays.append(Played(line, msgspec.Raw(body), _drawn(trace)))

    def _look(self, _: int, frame: FrameType | None) -> None:
        self._looks += 1
        if self._looks > LONGEST / LOOK_EVERY:
            line = self._lines.of_stack(frame)
            where = f"Line {line} goes" if line else "It goes"
            self._leave(
                f"{where} on and on: after {LONGEST:.0f} s of computing the program was ended."
            )

    def _end_by_flood(self) -> None:
        line = self._lines.of_stack(sys._getframe(1))
        where = f"Line {line} prints" if line else "It prints"
        self._leave(f"{where} without end: after 4 million characters the program was ended.")

    def _end_at_once(self, status: int) -> None:
        self._leave(f"The program ended itself with os._exit({status!r}).")

    def _leave(self, sentence: str) -> None:
        leave(msgspec.json.encode(self._ran("died", sentence=sentence)))


def _of_syntax(error: SyntaxError | ValueError) -> Raised:
    line = error.lineno if isinstance(error, SyntaxError) else None
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return Raised(message, line, type(error).__name__)


def _drawn(trace: Trace) -> str:
    try:
        return scrubbable(trace)
    except Exception as error:
        return f"<!-- it can't be drawn: {type(error).__name__} -->"


@contextmanager
def _on_a_clock(source: str) -> Iterator[None]:
    """As a lesson's programs are run elsewhere: what they wait for takes no real time."""
    with clock_of_program(source), stacks.without_loop():
        yield


@contextmanager
def _main_module(module: ModuleType) -> Iterator[None]:
    before = sys.modules["__main__"]
    sys.modules["__main__"] = module
    try:
        yield
    finally:
        sys.modules["__main__"] = before
