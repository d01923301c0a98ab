"""A container, made by bubblewrap, that this process's children can enter (Linux).

It has the files that it is shown, no network but a loopback of its own, and processes and shared
memory of its own; all of them are gone when it is closed. Bubblewrap makes it around a program
that does nothing. What has paid for its imports already then enters it, which costs next to
nothing; to start Python in it would cost half a second.

The program reads from this process. When that ends, however it ends, there is nothing more to
read; and when the first process of a container ends, the kernel ends all the others.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ..model.errors import UsageError
from .cgroups import Cgroup, new_cgroup

MEMORY = 1 << 30
"""Bytes that all processes of a container may take, if there are control groups."""
PROCESSES = 256
"""Processes and threads that there may be in one."""
FILES = 64 << 20
"""Bytes that its temporary files may take, and again its shared memory."""

_NAMESPACES = 0x7E020000  # of users, processes, files, networks, names, messages, control groups
_PR_SET_DUMPABLE = 4
PROGRAMS = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/nix/store")
"""Where programs and their libraries are."""
_DEVICES = ("null", "zero", "full", "random", "urandom")

_libc = ctypes.CDLL(None, use_errno=True)  # before any fork, after which nothing should be loaded


class Places(NamedTuple):
    """What a container has of this machine's files, read only.

    Attributes:
        shown: files, and folders with all that is in them.
        covered: folders that are empty in it.
        beside: shown, also where that is in a folder that is covered.
    """

    shown: tuple[str, ...] = ()
    covered: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


class ContainerError(OSError):
    """There is no container, and why."""


class Container:
    """An empty container, until something enters it.

    Raises:
        ContainerError: bubblewrap can't make one.
    """

    def __init__(self, places: Places) -> None:
        self._cgroup: Cgroup | None = None
        reads, writes = os.pipe()
        try:
            self._process = _start(places, writes)
        finally:
            os.close(writes)
        with open(reads, "rb") as told:
            self._first = self._begun(told.read())
        self._cgroup = new_cgroup(MEMORY, PROCESSES)

    def _begun(self, told: bytes) -> int:
        """The first process in it, once it is as it should be."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(b"?")
        if self._process.stdout.read(1):
            return int(json.loads(told)["child-pid"])
        assert self._process.stderr is not None
        said = self._process.stderr.read().decode("utf-8", "replace").strip()
        self._first = 0
        self.close()
        raise ContainerError(said or "it said nothing")

    @property
    def pid(self) -> int:
        """Bubblewrap's own process, a child of the one that has made this."""
        return self._process.pid

    def enter(self) -> None:
        """Move into it. What this process starts from now on is in it; itself it is half inside,
        for it keeps its place among the processes.

        Raises:
            OSError: the kernel refuses.
        """
        if self._cgroup is not None:
            self._cgroup.join()
        first = os.pidfd_open(self._first)
        if _libc.setns(first, _NAMESPACES):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        os.close(first)
        _libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)  # what it says of itself in /proc is its own
        resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))

    def forget(self) -> None:
        """Keep nothing of it open, in a process that was forked."""
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()

    def close(self) -> None:
        """End all that is in it. When this returns, nothing of it is left."""
        if self._first:  # the kernel ends the others before this one is gone
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._first, signal.SIGKILL)
        else:
            self._process.kill()
        self._process.wait()
        self.forget()
        if self._cgroup is not None:
            self._cgroup.remove()


def _start(places: Places, told: int) -> subprocess.Popen[bytes]:
    program, waits = shutil.which("bwrap"), shutil.which("cat")
    if program is None or waits is None:
        raise ContainerError("bubblewrap isn't installed")
    return subprocess.Popen(
        [program, *_options(places), "--info-fd", str(told), waits],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=[told],
        bufsize=0,
        env={"LANG": "C"},
    )


def _options(places: Places) -> Iterator[str]:
    yield from ("--unshare-all", "--unshare-user", "--as-pid-1", "--new-session")
    yield from ("--cap-drop", "ALL", "--chdir", "/", "--proc", "/proc")
    for device in _DEVICES:
        yield from ("--dev-bind", f"/dev/{device}", f"/dev/{device}")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        yield from ("--symlink", f"/proc/self/fd/{number}", f"/dev/{name}")
    yield from ("--symlink", "/proc/self/fd", "/dev/fd")
    for path, options in _mounts(places):
        yield from (*options, path)
    for path in (*places.covered, "/"):
        yield from ("--remount-ro", path)


def _mounts(places: Places) -> list[tuple[str, tuple[str, ...]]]:
    """What is where. What lies in a folder comes after the folder, which would hide it else."""
    room = ("--perms", "1777", "--size", str(FILES), "--tmpfs")
    wanted = {
        **{path: ("--ro-bind-try", path) for path in places.shown},
        **dict.fromkeys(places.covered, ("--tmpfs",)),
        **{path: ("--ro-bind-try", path) for path in places.beside},
        **dict.fromkeys(("/dev/shm", "/tmp", tempfile.gettempdir()), room),
    }
    return sorted(wanted.items(), key=lambda mount: len(Path(mount[0]).parts))


@cache
def lacks_for_containers() -> str:
    """Why this machine can't make a container and enter it; empty if it can."""
    if sys.platform != "linux":
        return "only Linux has what bubblewrap needs"
    try:
        container = Container(Places(PROGRAMS))
    except ContainerError as error:
        return str(error)
    try:
        return _refusal_of(container)
    finally:
        container.close()


def _refusal_of(container: Container) -> str:
    """Why a process can't enter a container; empty if it can."""
    pid = os.fork()
    if pid == 0:
        try:
            container.enter()
        except OSError as error:
            os._exit(error.errno or 1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return f"it can't be entered: {os.strerror(status)}" if status else ""


def require_containers() -> None:
    """Refuse to go on where there can't be a container.

    Raises:
        UsageError: there can't.
    """
    if lacks := lacks_for_containers():
        raise UsageError(
            f"this machine can't make a container: {lacks}",
            "install bubblewrap (`apt-get install bubblewrap`) and allow it to make namespaces, "
            "or grade without --isolate",
        )
