"""The embedded PostgreSQL: a child process of the keeper, tuned for data to throw away."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from ....processes.limits import adopt_orphans
from ...base.errors import ServiceError
from .access import ADMINISTRATOR, with_password, write_rules
from .cluster import find_programs, is_ready, move_aside, version_of
from .leftovers import end_orphans, end_server_of
from .messages import Address
from .roles import CONNECTIONS, new_password
from .unprivileged import child_setup, doors, own, share, through

log = logging.getLogger(__name__)

PORT = 5432
"""Only the name of the Unix socket has it: nothing listens on TCP."""
ROOM = 256 * 1024 * 1024
"""Bytes of free disk below which the server is not started."""
START, STOP = 30.0, 5.0
"""Seconds that the server may take to start, and to stop before it is made to."""
POLL = 0.005

SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": 0,
    "min_wal_size": "8MB",
    "max_wal_size": "64MB",
    "shared_buffers": "16MB",  # dropping a database searches them all
    "max_connections": 3 * CONNECTIONS,
    "max_worker_processes": 0,
    "max_parallel_workers": 0,
    "io_method": "sync",
    "autovacuum": "off",
    "jit": "off",
    "timezone": "UTC",
    "listen_addresses": "",
    "unix_socket_permissions": "0777",  # their directory is not open to others
    "scram_iterations": 1,  # no password that is used here can be guessed
    "allow_alter_system": "off",
    "temp_file_limit": "64MB",
    "log_min_messages": "fatal",  # a learner's failing statement need not be logged here
    "log_min_error_statement": "panic",
}

_INITDB = [
    *(f"--username={ADMINISTRATOR}", "--auth=reject", "--encoding=UTF8", "--locale=C"),
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    *("--no-sync", "--no-data-checksums", "--no-instructions", "--wal-segsize=1"),
]


class ServerPlace(Protocol):
    """Where a server is.

    Attributes:
        home: its data, private to the user.
        server_sockets: the directory for its Unix sockets.
    """

    home: Path
    server_sockets: Path


class Embedded:
    """The server of a state directory.

    The process that makes one holds the directory's lock, and has no other children: what a server
    that died left running is ended.
    """

    settings: Mapping[str, object] = SETTINGS
    name = "The embedded PostgreSQL"
    remedy = "Run it again. If that does not help, set DATABASE_URL to a server of yours."
    makes_roles = True
    # A copy by files is six times as fast as one through the log.
    new_database = "STRATEGY file_copy"

    def __init__(self, state: ServerPlace) -> None:
        self._state = state
        self._options = [f"-c{name}={value}" for name, value in self.settings.items()]
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._password = new_password()

    def address(self, database: str, password: str) -> Address:
        """How a play reaches its database: as the role of that name."""
        host = str(self._state.server_sockets)
        return Address(host=host, port=PORT, database=database, user=database, password=password)

    def admin(self) -> Address:
        """How the keeper reaches a database that is no play's, as the administrator."""
        return msgspec.structs.replace(
            self.address(ADMINISTRATOR, self._password), database="postgres"
        )

    async def up(self) -> int:
        """Start the server unless it runs. Returns the number of its start: data of earlier
        starts is gone.

        Raises:
            ServiceError: it does not start.
        """
        if self._process is None or self._process.poll() is not None:
            try:
                await self._start()
            except OSError as error:
                raise ServiceError(
                    f"The embedded PostgreSQL cannot be started: {error}.",
                    f"Put that right, or name another directory than {self._state.home} "
                    "in GRADER_STATE.",
                ) from error
            self._starts += 1
        return self._starts

    async def close(self) -> None:
        """Stop the server, by force if need be."""
        process, self._process = self._process, None
        if process is not None:
            for kind in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                process.send_signal(kind)
                if await _ended(process, STOP):
                    break
        end_orphans()

    async def _start(self) -> None:
        programs, version = find_programs()
        self._check_room()
        adopt_orphans()
        end_orphans()
        data = self._state.home / f"postgres-{version}"
        await end_server_of(data)
        self._clear_sockets()
        if version_of(data) == version:
            error = await self._secure_and_run(programs, data)
            if not error:
                return
            self._give_up(data, error)
        move_aside(data)
        await self._make_data(programs, data)
        if error := await self._secure_and_run(programs, data):
            raise self._failure("does not start", error)

    def _give_up(self, data: Path, error: str) -> None:
        """Go on with new data, as what a play has left is worth nothing."""
        log.warning("PostgreSQL does not start on %s: %s", data, error)

    def _check_room(self) -> None:
        free = shutil.disk_usage(self._state.home).free
        if free < ROOM:
            raise ServiceError(
                f"The disk is full: {self._state.home} has {free >> 20} MB left, and the "
                f"embedded PostgreSQL needs {ROOM >> 20} MB.",
                "Free some space, or name a directory on another disk in GRADER_STATE.",
            )

    def _clear_sockets(self) -> None:
        """Remove what a killed server left. No other one uses this directory."""
        share(self._state.server_sockets)
        for path in self._state.server_sockets.glob(f".s.PGSQL.{PORT}*"):
            path.unlink()

    async def _make_data(self, programs: Path, data: Path) -> None:
        # Made elsewhere first: what is at `data` is always whole.
        draft = data.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        own(draft)
        process = self._spawn([str(programs / "initdb"), *_INITDB, "-D", str(draft)], draft)
        if not await _ended(process, START):
            process.kill()
        if process.returncode != 0:
            error = self._output()
            shutil.rmtree(draft, ignore_errors=True)
            raise self._failure("cannot make its data directory", error)
        draft.rename(data)

    async def _secure_and_run(self, programs: Path, data: Path) -> str:
        """Run the server. What it said if it ended, or nothing if it is up."""
        return await self._secure(programs, data) or await self._run(programs, data)

    async def _secure(self, programs: Path, data: Path) -> str:
        """Set who may connect, in a server of one process, which no one can reach."""
        write_rules(data)
        server = [
            str(programs / "postgres"),
            "--single",
            "-D",
            str(data),
            *self._options,
            "postgres",
        ]
        process = self._spawn(server, data, stdin=subprocess.PIPE)
        assert process.stdin is not None
        with suppress(OSError), process.stdin as statements:
            statements.write(with_password(self._password).encode())
        if not await _ended(process, START):
            process.kill()
        said = self._output()
        failed = process.returncode != 0 or "ERROR" in said
        return said or "it said nothing" if failed else ""

    async def _run(self, programs: Path, data: Path) -> str:
        sockets = self._state.server_sockets
        where = ["-D", str(data), "-p", str(PORT), "-k", f'"{sockets}"']
        command = [str(programs / "postgres"), *where, *self._options]
        self._process = process = self._spawn(command, data, sockets)
        deadline = asyncio.get_running_loop().time() + START
        while not is_ready(data, process.pid):
            if process.poll() is not None:
                return self._output() or "it said nothing"
            if asyncio.get_running_loop().time() > deadline:
                await self.close()
                return f"it was not ready after {START:.0f} seconds"
            await asyncio.sleep(POLL)
        return ""

    def _spawn(
        self, command: list[str], *directories: Path, stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        """Run a program that uses directories which are named in its arguments."""
        with open(self._state.home / "postgres.log", "wb") as output, doors(*directories) as opened:
            return subprocess.Popen(
                [through(opened, argument) for argument in command],
                stdin=stdin,
                stdout=output,
                stderr=output,
                cwd="/",
                # The user's own PG… variables are for the user's own servers.
                env={"PATH": os.defpath, "LC_ALL": "C"},
                start_new_session=True,
                pass_fds=list(opened.values()),
                preexec_fn=child_setup(Path(command[0])),
            )

    def _output(self) -> str:
        lines = (self._state.home / "postgres.log").read_text(errors="replace").splitlines()
        errors = [line for line in lines if "FATAL" in line or "PANIC" in line or "error:" in line]
        return " ".join(errors or lines[-3:])

    def _failure(self, what: str, error: str) -> ServiceError:
        return ServiceError(
            f"The embedded PostgreSQL {what}: {error}",
            f"See {self._state.home / 'postgres.log'}. A server of yours can be used instead: "
            "set DATABASE_URL to its address.",
        )


async def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    for _ in range(int(seconds / POLL)):
        if process.poll() is not None:
            return True
        await asyncio.sleep(POLL)
    return False
