"""Processes that outlive a server or its keeper, and how they are ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import psutil

from ....processes.orphans import end_children

PATIENCE, POLL = 5.0, 0.005
"""Seconds that a server has to end, and between looks whether it has."""


async def end_server_of(data: Path) -> None:
    """End a server that a killed keeper left running, and forget one that is gone.

    PostgreSQL itself takes any living process with the number in this file for a server.
    After a restart of the machine that may be anything.
    """
    file = data / "postmaster.pid"
    try:
        pid = int(file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        pid = 0
    for kind in (signal.SIGQUIT, signal.SIGKILL):
        for _ in range(int(PATIENCE / POLL)):
            if not pid or not _is_server_of(pid, data):
                file.unlink(missing_ok=True)
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, kind)
            await asyncio.sleep(POLL)


def _is_server_of(pid: int, data: Path) -> bool:
    """A server works in its data directory, whatever name it was given for it."""
    try:
        process = psutil.Process(pid)
        return Path(process.exe()).name == "postgres" and Path(process.cwd()) == data
    except psutil.Error:
        return False


def end_orphans() -> None:
    """End the processes of a server that is gone: they keep its memory from the next one."""
    end_children(lambda _: True)
