"""The process that judges, as watch mode sees it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from ..model.errors import GraderError
from ..model.report import Report
from ..processes.channel import HEADER
from .messages import GradeReply, GradeRequest

START = (
    "import sys; sys.path.append({root!r}); from grader.watching.grader_main import main; main()"
)
ROOT = str(Path(__file__).resolve().parents[2])

GRACE = 1.0
"""Real seconds that a process has to tidy up."""
LOOK_EVERY = 0.01
MOST_WORDS = 2000
"""Characters of what a process said on its standard error that are shown."""


class GraderClient:
    """Grades in a process that stays warm; one that has died or is not wanted is replaced."""

    def __init__(self) -> None:
        self._process: GraderProcess | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def is_warm(self) -> bool:
        """Whether the process has graded before: imports take time, and are worth waiting for."""
        return self._process is not None and self._process.has_answered

    def warm_up(self) -> None:
        """Start a process ahead of the first request."""
        self._process = self._process or GraderProcess()

    async def grade(self, request: GradeRequest) -> Report:
        """Have a text graded.

        To be cancelled at any time: the process is then ended.

        Raises:
            GraderError: no fault of the learner's.
        """
        said = ""
        for _ in range(2):  # a process can die while it is idle, or be killed: then a new one
            self.warm_up()
            assert self._process is not None
            try:
                reply = await self._process.ask(request)
            except (OSError, EOFError, msgspec.DecodeError):
                said = self._process.last_words()
                self._drop()
            except asyncio.CancelledError:
                self._drop()
                raise
            else:
                if reply.report is None:
                    raise GraderError(reply.problem, reply.remedy)
                return reply.report
        raise GraderError("the process that grades has died, twice", said)

    async def close(self) -> None:
        """End the process, and wait until all are gone that were started here."""
        self._drop()
        while self._ending:
            await asyncio.gather(*self._ending)

    def _drop(self) -> None:
        """Let the process end; nobody waits for it now."""
        if self._process is not None:
            task = asyncio.create_task(self._process.end())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        self._process = None


class GraderProcess:
    """One process that judges.

    Attributes:
        has_answered: whether it has graded.
    """

    def __init__(self) -> None:
        self._end, its = socket.socketpair()
        self._words = tempfile.TemporaryFile()  # noqa: SIM115  closed in `end`
        self._process = subprocess.Popen(
            # -P: what lies in the current directory has no say in what is imported
            [sys.executable, "-P", "-c", START.format(root=ROOT), str(its.fileno())],
            pass_fds=[its.fileno()],
            start_new_session=True,  # Ctrl-C is for us, who then end it
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._words,
        )
        its.close()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.has_answered = False

    async def ask(self, request: GradeRequest) -> GradeReply:
        """Have a text graded.

        Raises:
            OSError, EOFError, DecodeError: the process is gone, or not what it was.
        """
        if self._streams is None:
            self._streams = await asyncio.open_connection(sock=self._end)
        reader, writer = self._streams
        body = msgspec.json.encode(request)
        writer.write(HEADER.pack(len(body)) + body)
        (length,) = HEADER.unpack(await reader.readexactly(HEADER.size))
        reply = msgspec.json.decode(await reader.readexactly(length), type=GradeReply)
        self.has_answered = True
        return reply

    def last_words(self) -> str:
        """What it has said on its standard error."""
        self._words.seek(0)
        return self._words.read().decode("utf-8", "replace")[-MOST_WORDS:].strip()

    async def end(self) -> None:
        """End it and all that it started. It does so itself, or else the end of it does."""
        self._process.terminate()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GRACE
        while self._process.poll() is None:
            if loop.time() > deadline:
                self._process.kill()
            await asyncio.sleep(LOOK_EVERY)
        if self._streams is not None:
            self._streams[1].close()
        with contextlib.suppress(OSError):
            self._end.close()
        self._words.close()
