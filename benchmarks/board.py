"""A board with a large class: 500 learners who save every 20 seconds, and pages that are open.

The board is a process of its own, as `grade board` starts it, with its own database. What is sent
to it comes from this process, over loopback: a connection for each report, as `grade` makes one. A
report takes from the moment at which it was due until its answer is there, so a board that falls
behind can't hide it.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit

import psutil

from .processes import ROOT
from .results import BenchmarkError, Row

LEARNERS, EVERY, PAGES = 500, 20.0, 30
SECONDS, SHORT = 60.0, 20.0
LIMIT = 0.1
"""Seconds of the slowest report but for one in a hundred."""
PATIENCE = 10.0
"""Seconds that any answer may take."""


def measure(short: bool) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder, _board(Path(folder)) as (process, address):
        load = Load(address)
        before = sum(process.cpu_times()[:2])
        took = asyncio.run(load.run(SHORT if short else SECONDS))
        busy = (sum(process.cpu_times()[:2]) - before) / load.seconds
        rows = [
            _slowest(took, f"of {len(took)} reports, {len(took) / load.seconds:.0f} a second"),
            Row("the median report", f"{median(took) * 1000:.1f} ms"),
            Row(f"overviews on each of {PAGES} pages", f"{load.overviews / PAGES:.0f}"),
            Row("refused, or failed", str(load.failed), "0", load.failed == 0),
            Row("processor that the board keeps busy", f"{busy * 100:.0f} %"),
            Row("memory of the board", f"{process.memory_full_info().uss >> 20} MiB"),
        ]
        seconds, again = asyncio.run(load.burst())
        said = f"{seconds:.1f} s, {again} sent again"
        return [*rows, Row(f"{LEARNERS} reports at one moment: all stored after", said)]


def _slowest(took: list[float], what: str) -> Row:
    found = quantiles(took, n=100)[98]
    result = f"{found * 1000:.0f} ms"
    return Row(f"99 {what}: within", result, f"{LIMIT * 1000:.0f} ms", found <= LIMIT)


@contextmanager
def _board(folder: Path) -> Iterator[tuple[psutil.Process, str]]:
    """A board's process, and the address that learners report to."""
    words = ["board", "--data", str(folder / "data"), "--port", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "grader", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        if found is None:
            raise BenchmarkError("the board does not start")
        try:
            yield psutil.Process(process.pid), found[0]
        finally:
            process.terminate()


class Load:
    """Learners and pages.

    Attributes:
        failed: reports that were not stored when they were sent first.
        overviews: that all pages together were told of.
        seconds: that the learners have worked.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port, self._token = parts.hostname, parts.port, parts.fragment
        self._learners = [uuid.uuid4() for _ in range(LEARNERS)]
        self._draw = random.Random(1)
        self.failed = self.overviews = 0
        self.seconds = 0.0

    async def run(self, seconds: float) -> list[float]:
        """What each report took, in seconds."""
        self.seconds = seconds
        pages = [asyncio.create_task(self._page()) for _ in range(PAGES)]
        begin = time.perf_counter() + 1
        try:
            took = await asyncio.gather(*(self._work(one, begin) for one in self._learners))
        finally:
            for page in pages:
                page.cancel()
            await asyncio.gather(*pages, return_exceptions=True)
        return [one for of_learner in took for one in of_learner]

    async def burst(self) -> tuple[float, int]:
        """Seconds until a report of each is stored, all sent at one moment; and how often one had
        to be sent again."""
        begin = time.perf_counter()
        again = await asyncio.gather(*map(self._insist, self._learners))
        return time.perf_counter() - begin, sum(again)

    async def _work(self, learner: uuid.UUID, begin: float) -> list[float]:
        """Save every so often, from a moment of one's own."""
        took = []
        due = begin + self._draw.random() * EVERY
        while due < begin + self.seconds:
            await asyncio.sleep(due - time.perf_counter())
            self.failed += await self._post(self._report(learner)) != 201
            took.append(time.perf_counter() - due)
            due += EVERY
        return took

    async def _insist(self, learner: uuid.UUID) -> int:
        """Send a report until it is stored, with pauses like a client's; how often in vain."""
        report, again = self._report(learner), 0
        while await self._post(report) not in (200, 201):
            again += 1
            await asyncio.sleep(1 + self._draw.random() / 2)
        return again

    def _report(self, learner: uuid.UUID) -> bytes:
        failing = self._draw.randint(1, 8)
        exercise = {"number": failing, "status": "failed", "reason": "awaited-in-turn"}
        report = {
            "id": str(uuid.UUID(int=self._draw.getrandbits(128), version=4)),
            "learner": str(learner),
            "name": None,
            "lesson": "day53",
            "graded_at": datetime.now(UTC).isoformat(),
            "exercises": [exercise],
        }
        return json.dumps(report).encode()

    async def _post(self, body: bytes) -> int:
        """The status of the answer; 0 if there is none."""
        with suppress(OSError):
            async with asyncio.timeout(PATIENCE):
                head = f"Content-Length: {len(body)}\r\nConnection: close\r\n"
                reader, writer = await self._ask("POST /reports", head, body)
                answer = await reader.read()
                writer.close()
                return int(answer.split(None, 2)[1]) if answer else 0
        return 0

    async def _page(self) -> None:
        """Count overviews, as long as it lasts."""
        reader, writer = await self._ask("GET /events", "", b"")
        try:
            async for line in reader:
                self.overviews += line.startswith(b"data: ")
        finally:
            writer.close()

    async def _ask(
        self, what: str, head: str, body: bytes
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(self._host, self._port, limit=1 << 20)
        lines = f"{what} HTTP/1.1\r\nHost: board\r\nAuthorization: Bearer {self._token}\r\n{head}"
        writer.write(f"{lines}\r\n".encode() + body)
        return reader, writer
