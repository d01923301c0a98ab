"""Hands the works of a class out to the workers of a Dask cluster, which may come and go."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any

import msgspec

from ...judging.messages import GradeReply
from ...model.errors import GraderError
from ..running import Done, SameWork, Verdict, serve
from ..work import Student, Work
from .connecting import connected
from .members import Members, Say
from .on_worker import end_run, verdict_here

PATIENCE = 30.0
"""Real seconds that we wait for a worker when none is left: Dask starts one anew that died."""
GRACE = 5.0
"""Real seconds that the workers have to end what they do for us."""
MOST_LOST = 3
"""Workers that may be lost while they grade one and the same work."""
NOBODY = Student(key="", name="")


class ClusterLost(GraderError):
    """No more can be graded on a cluster; what has its verdict keeps it."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            problem, "what is graded is kept: go on with the same command and --resume"
        )


async def grade_on_cluster(
    todo: Sequence[SameWork], seed: int, done: Done, address: str, workers: int, say: Say
) -> None:
    """Grade all on the workers of a cluster; see `Grade`.

    Args:
        address: of its scheduler, or `local`.
        workers: how many a local one has.
        say: is told what becomes of the workers.

    Raises:
        UsageError: there is no scheduler.
        ClusterLost: the scheduler is lost, or no worker is there that may grade.
    """
    async with connected(address, workers) as client:
        await Crew(client, address, todo, seed, say).grade(done)


class Crew:
    """The workers of a cluster, and the desks at which they grade.

    A worker has as many desks as threads. When it is lost, its desks are closed, and what was
    graded at them waits for another.
    """

    def __init__(
        self, client: Any, address: str, todo: Sequence[SameWork], seed: int, say: Say
    ) -> None:
        self._client = client
        self._address = address
        self._waiting = deque(todo)
        self._seed = seed
        self._say = say
        self._members = Members(client, {batch.first.lesson for batch in todo}, say)
        self._run = uuid.uuid4().hex
        self._tries: Counter[str] = Counter()
        self._desks: dict[asyncio.Task[None], str] = {}  # by whom they are served
        self._changed = asyncio.Event()  # a worker may have come or gone

    async def grade(self, done: Done) -> None:
        """Grade all.

        Raises:
            ClusterLost: the scheduler is lost, or no worker is there that may grade.
        """
        self._client.subscribe_topic("all", lambda _: self._changed.set())
        try:
            workers = await self._members.threads()
            if not workers:
                raise ClusterLost(f"{self._address} has no worker that can grade")
            while self._waiting or self._desks:
                self._assign(workers, done)
                await self._until_something_happens()
                workers = await self._members.threads() or await self._another()
        except (OSError, CancelledError) as error:  # Dask's, not asyncio's
            raise ClusterLost(f"the scheduler at {self._address} is lost") from error
        finally:
            await self._end()

    def _assign(self, workers: Mapping[str, int], done: Done) -> None:
        """Close the desks of those who are gone, and open those that can be of use."""
        for task, worker in self._desks.items():
            if worker not in workers:
                task.cancel()
        taken = Counter(self._desks.values())
        free = [one for one, count in workers.items() for _ in range(count - taken[one])]
        for worker in free[: len(self._waiting)]:
            desk = RemoteDesk(self._client, worker, self._run, self._tries)
            task = asyncio.create_task(serve(self._waiting, desk, self._seed, done))
            self._desks[task] = worker

    async def _until_something_happens(self) -> None:
        change = asyncio.ensure_future(self._changed.wait())
        await asyncio.wait([*self._desks, change], return_when=asyncio.FIRST_COMPLETED)
        change.cancel()
        self._changed.clear()
        for task in [task for task in self._desks if task.done()]:
            del self._desks[task]
            if not task.cancelled():
                task.result()

    async def _another(self) -> dict[str, int]:
        """A worker that comes when none is left."""
        self._say(f"No worker is left; waiting {PATIENCE:.0f} s for another.")
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while True:
                    await self._changed.wait()
                    self._changed.clear()
                    if workers := await self._members.threads():
                        return workers
        raise ClusterLost(f"{self._address} has no workers left")

    async def _end(self) -> None:
        for task in self._desks:
            task.cancel()
        await asyncio.gather(*self._desks, return_exceptions=True)
        if self._client.status == "running":
            self._client.unsubscribe_topic("all")
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(GRACE):
                    await self._client.run(end_run, self._run, on_error="ignore")


class RemoteDesk:
    """Where a worker of a cluster grades one work after another.

    Args:
        client: Dask's.
        worker: its address.
        run: tells the desks of one command from those of others.
        tries: for each work, by its digest, how many workers have begun to grade it and were lost.
    """

    def __init__(self, client: Any, worker: str, run: str, tries: Counter[str]) -> None:
        self._client = client
        self._worker = worker
        self._run = run
        self._tries = tries

    async def verdict(self, work: Work, seed: int) -> Verdict:
        """Have a work graded. The worker isn't told whose it is."""
        if self._tries[work.digest] == MOST_LOST:
            return GraderError(f"{MOST_LOST} workers were lost while they graded it")
        self._tries[work.digest] += 1
        sent = msgspec.json.encode(msgspec.structs.replace(work, student=NOBODY, file=""))
        try:
            reply = await self._client.submit(
                verdict_here, self._run, sent, seed, workers=[self._worker], pure=False
            )
        except CancelledError:
            raise
        except Exception as error:
            return GraderError(f"on {self._worker}: {error!r}")
        self._tries[work.digest] = 0
        return _verdict(reply)

    async def close(self) -> None:
        """Nothing is kept for one desk: what a run has on a worker ends with the run."""


def _verdict(reply: bytes) -> Verdict:
    found = msgspec.json.decode(reply, type=GradeReply)
    return found.report or GraderError(found.problem, found.remedy)
