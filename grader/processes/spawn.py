"""Starts the worker process. Imports next to nothing, so that it can come before all else:
what a learner waits for is the worker's imports, and the judge's can go on beside them.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys

_START = "import sys; sys.path.append({root!r}); from grader.worker.forkserver import main; main()"

Spawned = tuple["subprocess.Popen[bytes]", socket.socket]

_waiting: list[Spawned] = []


def spawn() -> Spawned:
    """The process, and our end of its control socket."""
    ours, its = socket.socketpair()
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    process = subprocess.Popen(
        # -P: what lies in the current directory has no say in what is imported
        [sys.executable, "-P", "-c", _START.format(root=root), str(its.fileno())],
        pass_fds=[its.fileno()],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"MALLOC_ARENA_MAX": "2"},
    )
    its.close()
    return process, ours


def spawn_ahead() -> None:
    """Start a worker that the next `spawned` will be given."""
    _waiting.append(spawn())


def spawned() -> Spawned:
    """The worker that was started ahead, or a new one."""
    return _waiting.pop() if _waiting else spawn()


def give_up() -> None:
    """End a worker that was started ahead and that nobody took."""
    while _waiting:
        process, control = _waiting.pop()
        control.close()
        process.kill()
        process.wait()
