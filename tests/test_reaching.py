"""What is noticed of code that reaches for the grader in its own process, and what is no fault.

About 5 s.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from textwrap import indent

import pytest

from grader import get, scenario
from grader.judge.players import FilePlayer, Subject
from grader.judge.workers import Worker
from grader.model.details import Reached
from grader.model.trace import Trace
from grader.worker.reaching import INTERPRETER, MEMORY, STACK


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with closing(Worker()) as worker:
        yield worker


def trace_of(worker: Worker, folder: Path, body: str) -> Trace:
    """A play whose endpoint does this."""
    text = (
        "import ctypes, gc, inspect, logging, sys, traceback, types\n"
        "from fastapi import FastAPI\n"
        "def exercise_1():\n    app = FastAPI()\n    @app.get('/')\n    async def root():\n"
        f"{indent(body, '        ')}\n        return 1\n    return app\n"
    )
    with closing(FilePlayer(worker, text, str(folder / "exercise.py"))) as player:
        return Subject(player, "exercise_1").play(scenario(get("/")))


UP_THE_STACK = """
frame = sys._getframe()
while frame is not None:
    if "token" in frame.f_locals:
        print("found")
    frame = frame.f_back
"""
REACHES = {
    "the stack": (UP_THE_STACK, STACK),
    "the stack, by inspect": (
        "[info.frame.f_locals.get('token') for info in inspect.stack()]",
        STACK,
    ),
    "the memory": (
        "[one.token for one in gc.get_objects() if type(one).__name__ == 'PlayRequest']",
        MEMORY,
    ),
    "the recorder": (
        "[one.spans for one in gc.get_objects() if type(one).__name__ == 'Recorder']",
        MEMORY,
    ),
    "the interpreter": ("ctypes.pythonapi.PyThreadState_Get()", INTERPRETER),
}


@pytest.mark.parametrize(("body", "how"), REACHES.values(), ids=REACHES)
def test_code_that_reaches_into_the_grader_fails(
    worker: Worker, tmp_path: Path, body: str, how: str
) -> None:
    if how == STACK and sys.version_info >= (3, 13):
        pytest.skip("a look at a frame's variables leaves no trace any more")
    assert trace_of(worker, tmp_path, body).outcome.detail == Reached(how)


NO_FAULT = {
    "asks who calls": "print(inspect.stack()[1].function, inspect.currentframe().f_code.co_name)",
    "looks at its own variables": "print(sys._getframe().f_locals, locals())",
    "looks at signatures": "print(inspect.signature(root), inspect.getmembers(types))",
    "counts objects": "print(sum(isinstance(one, FastAPI) for one in gc.get_objects()))",
    "looks for referrers": "print(len(gc.get_referrers(app)), gc.collect(), len(gc.get_objects()))",
    "calls the C library": "print(ctypes.CDLL(None).getpid())",
    "prints tracebacks": "try:\n    1 / 0\nexcept Exception:\n    print(traceback.format_exc())\n"
    "logging.warning('x', stack_info=True)\ntraceback.print_stack()",
}


@pytest.mark.parametrize("body", NO_FAULT.values(), ids=NO_FAULT)
def test_tools_are_no_fault(worker: Worker, tmp_path: Path, body: str) -> None:
    found = trace_of(worker, tmp_path, body)
    assert (found.outcome.kind, found.exchanges[0].status) == ("finished", 200), found.outcome
