"""The process that judges, as those see it who have something graded."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import tempfile

from ..model.errors import GraderError
from ..model.report import Report
from ..processes.channel import ChannelClosed
from ..processes.handshake import Hello, check_peer
from ..processes.spawn import start_python
from ..processes.streams import MessageStream
from .messages import GradeReply, GradeRequest

GRACE = 1.0
"""Real seconds that a process has to tidy up."""
LOOK_EVERY = 0.01
MOST_STDERR = 2000
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

        Can be cancelled at any time: the process is then ended.

        Raises:
            GraderError: no fault of the learner's.
        """
        said = ""
        for _ in range(2):  # a process can die while it is idle, or be killed: then a new one
            self.warm_up()
            assert self._process is not None
            try:
                reply = await self._process.ask(request)
            except ChannelClosed:
                said = self._process.stderr()
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
        """Let the process end, without waiting for it."""
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
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  closed in `end`
        self._process, self._end = start_python(
            "grader.judging.grader_main", stdout=subprocess.DEVNULL, stderr=self._stderr
        )
        self._stream: MessageStream | None = None
        self.has_answered = False

    async def ask(self, request: GradeRequest) -> GradeReply:
        """Have a text graded.

        Raises:
            ChannelClosed: the process is gone, or not what it was.
            VersionMismatch: it runs another version of the kit.
        """
        stream = self._stream or await self._connect()
        stream.send(request)
        reply = await stream.receive(GradeReply)
        self.has_answered = True
        return reply

    async def _connect(self) -> MessageStream:
        self._stream = MessageStream(*await asyncio.open_connection(sock=self._end))
        check_peer(await self._stream.receive(Hello))
        return self._stream

    def stderr(self) -> str:
        """What it has said on its standard error."""
        self._stderr.seek(0)
        return self._stderr.read().decode("utf-8", "replace")[-MOST_STDERR:].strip()

    async def end(self) -> None:
        """End it and all that it started. It does so itself, or else the end of it does."""
        self._process.terminate()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GRACE
        while self._process.poll() is None:
            if loop.time() > deadline:
                self._process.kill()
            await asyncio.sleep(LOOK_EVERY)
        if self._stream is not None:
            self._stream.close()
        with contextlib.suppress(OSError):
            self._end.close()
        self._stderr.close()
