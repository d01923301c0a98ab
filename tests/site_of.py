"""The site of the course, built once for all tests, with a stand-in for the kit in the browser."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from grader import get, play, takes
from grader.course import catalog
from grader.judge.grading import Grading
from grader.model.trace import encode
from grader.render.as_json import as_data
from grader.render.scrubber import scrubbable
from grader.render.verdict import to_verdict
from grader.site.building import HERE as SITE
from grader.site.building import build
from grader.site.serving import SiteServer

HERE = Path(__file__).parent
ASSETS = SITE / "assets"
WRONG = HERE / "mistakes" / "day53" / "2_awaited_in_turn.py"
RIGHT = HERE / "mistakes" / "day53" / "2_right_mended.py"


def build_with_stand_in(out: Path) -> None:
    """Build the whole site; what the kit would say in it is what it says here."""
    build(out, _stand_in)
    for name in ("judging", "progress"):  # to be asked without a page around them
        shutil.copy(ASSETS / f"{name}.js", out / f"{name}-alone.js")


def _stand_in(folder: Path) -> None:
    folder.mkdir()
    shutil.copy(HERE / "fake_kernel.js", folder / "kernel.js")
    with Grading() as grading:
        replies = {
            "right": _graded(grading, RIGHT),
            "wrong": _graded(grading, WRONG),
            "run": _ran(),
            "failed": {
                "ended": "failed",
                "output": "before\n",
                "error": {"name": "ZeroDivisionError", "message": "division by zero", "line": 2},
                "plays": [],
                "sentence": "Line 2: ZeroDivisionError: division by zero",
            },
        }
    (folder / "replies.json").write_bytes(msgspec.json.encode(replies))


def _graded(grading: Grading, file: Path) -> dict[str, Any]:
    report = grading.grade(catalog.lesson("day53"), file, (2,), seed=1, shown_as="exercise.py")
    return {
        "report": as_data(report),
        "html": to_verdict(report, file.read_text("utf-8")),
        "sentence": "",
    }


def _ran() -> dict[str, Any]:
    space: dict[str, Any] = {}
    exec(compile(WRONG.read_text("utf-8"), str(WRONG), "exec"), space)
    slow = {"fetch_user": takes(1), "fetch_orders": takes(2), "fetch_stats": takes(1.5)}
    trace = play(space["exercise_2"], get("/dashboard"), **slow)
    shown = {"line": 1, "trace": msgspec.json.decode(encode(trace)), "timeline": scrubbable(trace)}
    return {"ended": "ok", "output": "ran\n", "error": None, "plays": [shown], "sentence": ""}


@contextmanager
def served(folder: Path) -> Iterator[SiteServer]:
    """A folder, on a web server of its own."""
    server = SiteServer(folder)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
