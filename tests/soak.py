"""Attacks and honest answers graded in turn, several at once; then a look at what is left.

`PYTHONPATH=. python tests/soak.py 300` does so for long; `test_soak.py` for a few seconds.
"""

from __future__ import annotations

import asyncio
import glob
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle, islice, zip_longest
from pathlib import Path
from textwrap import indent
from typing import Any

import psutil
import pytest

from grader.course.catalog import course, lesson
from grader.judging.grader_process import GraderClient
from grader.judging.messages import GradeRequest
from grader.processes.cgroups import PREFIX, hierarchies
from grader.services.postgres.daemon.databases import MOST
from grader.services.postgres.daemon.leases import lease

AT_ONCE = 4
EXERCISES = (3, 4)
"""Of day 53: one with a database, and one without."""
PATIENCE = 60.0
"""Real seconds until the keeper has dropped what was leased."""

HEAD = """
import asyncpg, ctypes, os, signal, socket, sys, time
from fastapi import FastAPI

libc = ctypes.CDLL(None)

async def query(dsn, *statements):
    connection = await asyncpg.connect(dsn)
    for sql in statements:
        await connection.execute(sql)

def app_that(act):
    app = FastAPI()
    @app.get("/{path:path}")
    async def root(path: str):
        return await act()
    return app
"""
BY_SQL = {
    "views that run functions": (
        "create function f() returns int language plpgsql as $$begin perform pg_sleep(9); end$$",
        "drop table if exists items; create view items as select f() as id",
    ),
    "a role that is locked out": ("alter role current_user connection limit 0",),
    "an end of all sessions": (
        "select pg_terminate_backend(pid) from pg_stat_activity where pid != pg_backend_pid()",
    ),
    "a program of the server's": ("copy (select 1) to program 'touch /tmp/by-the-server'",),
}
BY_CODE = {
    "a process that stays": "if not os.fork():\n    os.setsid()\n    os.fork()\n    time.sleep(60)",
    "an end of the forkserver": "libc.kill(os.getppid(), 9)",
    "an end of all processes": "libc.kill(-1, 9)",
    "a stop of the forkserver": "libc.kill(os.getppid(), 19)",
    "shared memory": "open(f'/dev/shm/soak-{os.getpid()}', 'w').write('x')",
    "shared memory of System V": "libc.shmget(77, 4096, 0o1600)",
    "files": "[open(str(n), 'w').write('x' * 9999) for n in range(50)]",
    "closed descriptors": "os.closerange(0, 99)",
    "nonsense in all descriptors": "[libc.write(n, b'x' * 99, 99) for n in range(3, 40)]",
    "an exit": "os._exit(0)",
    "a way up the stack": "f = sys._getframe()\nwhile f:\n    f.f_locals\n    f = f.f_back",
}


def attacks() -> Iterator[tuple[str, str]]:
    """Their names, and the files."""
    by_sql = [
        (name, f"{HEAD}\ndef exercise_3(dsn):\n    return app_that(lambda: query(dsn, *{act!r}))\n")
        for name, act in BY_SQL.items()
    ]
    by_code = [
        (name, f"{HEAD}\ndef exercise_4(**_):\n{indent(act, '    ')}\n    return app_that(None)\n")
        for name, act in BY_CODE.items()
    ]
    for pair in zip_longest(by_sql, by_code):
        yield from (attack for attack in pair if attack is not None)


def honest() -> str:
    return course().solution(lesson("day53")).read_text("utf-8")


async def soak(count: int) -> list[str]:
    """Grade so many attacks, and an honest answer after each. What is wrong, in words."""
    before = await asyncio.to_thread(what_there_is)
    wrong: list[str] = []
    waiting = iter(list(islice(cycle(attacks()), count)))
    async with asyncio.TaskGroup() as group:
        for number in range(AT_ONCE):
            group.create_task(_grade(waiting, is_contained=number % 2 == 0, wrong=wrong))
    return wrong + await asyncio.to_thread(left_since, before)


async def _grade(waiting: Iterator[tuple[str, str]], is_contained: bool, wrong: list[str]) -> None:
    grader = GraderClient()
    try:
        for name, text in waiting:
            attacked = await _passed(grader, text, is_contained)
            answered = await _passed(grader, honest(), is_contained)
            wrong += [f"{name}: it passes"] if attacked else []
            wrong += [f"an honest answer after {name}: {answered} pass"] if answered != 2 else []
    finally:
        await grader.close()


async def _passed(grader: GraderClient, text: str, is_contained: bool) -> int:
    """How many exercises pass."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        file = Path(folder, "exercise.py")
        file.write_text(text, "utf-8")
        request = GradeRequest(
            "day53", str(file), EXERCISES, 1, "exercise.py", text, True, is_contained
        )
        return (await grader.grade(request)).passed


@contextmanager
def own_temporary_folder() -> Iterator[None]:
    """What else grades on this machine has scratch folders, too."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


def what_there_is() -> dict[str, set[str]]:
    """What a grading could leave: by kind, the names."""
    with lease() as held:
        roles = held.rows("select from pg_roles where rolname like 'course_play%'")
        databases = held.rows("select from pg_database where datname like 'course_play%'")
        sessions = held.rows("select from pg_stat_activity where usename like 'course_play%'")
    return {
        "processes": set(_processes()),
        "scratch folders": set(glob.glob(f"{tempfile.gettempdir()}/grader-*")),
        "shared memory": {name for name in os.listdir("/dev/shm") if name.startswith("soak-")},
        "control groups": set(_groups()),
        "files of the server's": set(glob.glob("/tmp/by-the-server")),
        "roles": _too_many(roles),
        "databases": _too_many(databases),
        "sessions": _too_many(sessions),
    }


def _processes() -> Iterator[str]:
    """Our own, but for the database server's: those belong to all that plays on this machine."""
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if one.name() != "postgres":
                yield f"process {one.pid}"


def _groups() -> Iterator[str]:
    """The control groups that are left of processes that are gone."""
    for tree in hierarchies():
        for group in tree.own.glob(f"{PREFIX}*-*"):
            if not psutil.pid_exists(int(group.name.split("-")[1])):
                yield str(group)


def _too_many(found: list[dict[str, Any]]) -> set[str]:
    """What there is beyond the lease that looks, and what the keeper holds in readiness."""
    return {f"number {number}" for number in range(MOST + 1, len(found))}


def left_since(before: dict[str, set[str]]) -> list[str]:
    """What is there now and wasn't before, once the keeper has had the time to clear away."""
    deadline = time.monotonic() + PATIENCE
    while True:
        now = what_there_is()
        left = [f"{kind} left: {new}" for kind in now if (new := now[kind] - before[kind])]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


if __name__ == "__main__":
    began = time.monotonic()
    with own_temporary_folder():
        found = asyncio.run(soak(int(sys.argv[1])))
    print(*found, f"{len(found)} wrong, {time.monotonic() - began:.0f} s", sep="\n")
    sys.exit(bool(found))
