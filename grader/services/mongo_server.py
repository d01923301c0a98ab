"""The embedded MongoDB: `nx-27017`, which keeps everything in memory, in a child process.

It must not live in the process that plays: there it would live by virtual time, and go down
with a learner's code. Each process that plays has its own, from the first play that needs it
to its own end, however that comes about: so two of them never meet, and none is left behind.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from .errors import ServiceError

INSTEAD = "or set MONGODB_URL to the address of a MongoDB server of yours."

_MAIN = (
    "import sys; sys.path.append({root!r}); from grader.services.mongo_server import main; main()"
)


class Embedded:
    """The child process.

    Attributes:
        address: where it listens, on loopback.

    Raises:
        ServiceError: it does not start.
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("nx_27017") is None:
            raise ServiceError(
                "There is no embedded MongoDB: the package `nx-27017` is not installed.",
                f"Install it with `pip install nx-27017`, {INSTEAD}",
            )
        with socket.create_server(("127.0.0.1", 0)) as listening, tempfile.TemporaryFile() as log:
            self.address: tuple[str, int] = listening.getsockname()
            self._process = _spawn(listening.fileno(), log.fileno())
            assert self._process.stdout is not None
            if not self._process.stdout.readline():  # it has ended instead of saying a word
                self.close()
                log.seek(0)
                said = log.read().decode(errors="replace").splitlines() or ["it said nothing"]
                raise ServiceError(
                    f"The embedded MongoDB does not start: {said[-1]}",
                    f"Put that right, {INSTEAD}",
                )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        """End the process, and wait for that."""
        self._process.kill()
        self._process.communicate()


def _spawn(listening: int, log: int) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).resolve().parents[2])
    return subprocess.Popen(
        # -P: what lies in the current directory has no say in what is imported
        [sys.executable, "-P", "-c", _MAIN.format(root=root), str(listening)],
        pass_fds=[listening],
        stdin=subprocess.PIPE,  # closed by the kernel when this process ends
        stdout=subprocess.PIPE,
        stderr=log,
        start_new_session=True,  # a Ctrl-C is not meant for it
    )


def main() -> None:
    """Serve on the socket given as file descriptor, until the parent has gone."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_FSIZE):
        _, most = resource.getrlimit(kind)
        resource.setrlimit(kind, (most, most))  # a player's limits are not for its server
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve(socket.socket(fileno=int(sys.argv[1])))


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _serve(listening: socket.socket) -> None:
    import asyncio
    import logging

    from nx_27017.server import handle_client  # type: ignore[import-untyped]

    from .mongo_nx import Handler

    logging.disable()  # a learner's failing command is no news here
    handler = Handler()

    async def serve() -> None:
        server = await asyncio.start_server(
            lambda reader, writer: handle_client(reader, writer, handler), sock=listening
        )
        print("ready", flush=True)
        await server.serve_forever()

    asyncio.run(serve())
