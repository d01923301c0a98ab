"""The site in headless Chromium: a visitor's first visit, and the next one."""

from __future__ import annotations

import json
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from grader.model.errors import CourseError
from grader.site.building import build
from grader.site.bundle import make_kernel
from grader.site.serving import SiteServer

from .results import BenchmarkError, Row, spread

ROOT = Path(__file__).parents[1]
RIGHT = ROOT / "tests" / "mistakes" / "day53" / "2_right_mended.py"
LIMITS = {
    "first program run, nothing kept": (6, " s"),
    "sent until it could run": (10, " MB"),
    "first program run, all kept": (2.5, " s"),
    "exercise 2 graded": (300, " ms"),
    "a play": (10, " ms"),
    "memory of the page": (300, " MB"),
    "a program run after an endless one": (300, " ms"),
}
"""What is measured, and the most that it may be; in the order of a visit."""
DISK = 60
"""Million bytes of the whole site."""
PATIENCE = 120.0
"""Real seconds until what was never shown is given up."""
READY = "document.getElementById('machine').dataset.state === 'ready'"
RUN = "document.querySelector('#text .program button').click()"
OUTPUT = "!!document.querySelector('#text .result')"
OFFLINE = "document.getElementById('machine').textContent.includes('offline')"
KERNEL = """
import(new URL("kernel/kernel.js", document.baseURI).href).then(({ Kernel }) => {
    globalThis.kernel = new Kernel({ base: new URL("kernel/", document.baseURI).href });
    return kernel.ready;
}).then(() => true)
"""
PLAYS = """
from fastapi import FastAPI
from grader import get, play
for _ in range(%d):
    play(FastAPI(), get("/"))
"""
SHOWN = 41
"""Plays after which no more are drawn."""


def measure(short: bool) -> list[Row]:
    """Visit a site that is built for this, each time with a browser that has kept nothing."""
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site"
        try:
            build(site, make_kernel)
        except CourseError as error:
            raise BenchmarkError(str(error)) from error
        size = sum(file.stat().st_size for file in site.rglob("*") if file.is_file()) / 1e6
        visits = [_visited(site, Path(folder) / str(n)) for n in range(1 if short else 5)]
    rows = [_row(what, [visit[what] for visit in visits]) for what in LIMITS]
    return [*rows, Row("the site on disk", f"{size:.1f} MB", f"at most {DISK} MB", size <= DISK)]


def _row(what: str, measured: list[float]) -> Row:
    most, unit = LIMITS[what]
    return Row(what, spread(measured, unit), f"at most {most}{unit}", median(measured) <= most)


class _CountingServer(SiteServer):
    """A server that knows how many bytes it has sent."""

    sent = 0

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        return _Counted(connection, self), address  # type: ignore[return-value]


class _Counted:
    def __init__(self, connection: socket.socket, server: _CountingServer) -> None:
        self._connection, self._server = connection, server

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def sendall(self, content: bytes) -> None:
        self._server.sent += len(content)
        self._connection.sendall(content)


def _visited(site: Path, profile: Path) -> dict[str, float]:
    sys.path.insert(0, str(ROOT / "tests"))
    from browser import Browser, chromium

    program = chromium()
    if program is None:
        raise BenchmarkError("there is no Chromium here")
    server = _CountingServer(site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Browser(program, profile) as browser:
        try:
            return _Visit(browser, server).figures()
        finally:
            server.shutdown()
            server.server_close()


class _Visit:
    def __init__(self, browser: Any, server: _CountingServer) -> None:
        self._browser, self._server = browser, server

    def figures(self) -> dict[str, float]:
        cold, sent = self._first_run()
        self._wait_for(OFFLINE)
        cached, _ = self._first_run()
        self._wait_for(OFFLINE)
        memory = self._memory()
        self._browser.open(f"{self._server.url}index.html")
        self._browser.promised(KERNEL)
        self._grade()
        graded = median(self._grade() for _ in range(9))
        many, few = self._run(PLAYS % (SHOWN + 100)), self._run(PLAYS % SHOWN)
        self._run("while True: pass")
        again = self._run("print(1)")
        found = (cold, sent, cached, graded * 1000, (many - few) * 10, memory, again * 1000)
        return dict(zip(LIMITS, found, strict=True))

    def _first_run(self) -> tuple[float, float]:
        """Seconds from the address to what a lesson's first program printed; and the million bytes
        that the server has sent when it could run, after which the judge is loaded."""
        self._browser.open("about:blank")
        began = time.perf_counter()
        self._browser.open(f"{self._server.url}day53.html")
        self._wait_for(READY)
        sent = self._server.sent / 1e6
        self._browser.evaluate(RUN)
        self._wait_for(OUTPUT)
        return time.perf_counter() - began, sent

    def _wait_for(self, condition: str) -> None:
        self._browser.wait_for(condition, PATIENCE)

    def _run(self, source: str) -> float:
        return self._asked("run", {"source": source})

    def _grade(self) -> float:
        source = RIGHT.read_text("utf-8")
        return self._asked("grade", {"lesson": "day53", "exercise": 2, "source": source})

    def _asked(self, what: str, request: dict[str, Any]) -> float:
        """Seconds until the kernel has answered."""
        answer = f"kernel.{what}({json.dumps(request)})"
        return float(self._browser.promised(f"{answer}.then(answer => answer.seconds)"))

    def _memory(self) -> float:
        """Million bytes of the process that has the page, with the player and the judge in it."""
        tree = psutil.Process(self._browser.pid).children(recursive=True)
        pages = [one for one in tree if "--type=renderer" in one.cmdline()]
        return max(page.memory_full_info().uss for page in pages) / 1e6
