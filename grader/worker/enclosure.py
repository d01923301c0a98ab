"""What of this machine a player can reach: Python, the kit, the graded file's folder, and a
scratch folder of its own."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..processes.container import PROGRAMS, Places
from ..processes.isolation import shut_in
from ..processes.landlock import ALL, KEEP_FILES, OPEN_TO_WRITE, READ, Right, Rule
from ..processes.shared_memory import FOLDER, take_own_shared_memory
from ..processes.spawn import PACKAGE

SETTINGS = tuple(
    f"/etc/{name}"
    for name in (
        *("hosts", "host.conf", "resolv.conf", "nsswitch.conf", "gai.conf"),
        *("services", "protocols", "passwd", "group", "os-release"),
        *("localtime", "timezone", "mime.types", "alternatives"),
        *("ssl", "pki", "ca-certificates", "ld.so.cache"),
    )
)
"""What libraries look up. No key or password is in it."""
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
CHECKS = os.path.join(PACKAGE, "checks")


def enclose(
    file: str, hidden: Iterable[str], scratch: str, own_shared_memory: bool = False
) -> None:
    """Shut this process in, for good: it has imported what it needs, and will run a file.

    Args:
        file: the one that is graded.
        hidden: folders that it may not read, such as that of the solutions. One that is below a
            folder it needs, as a course within `site-packages`, is left out of that.
        scratch: the folder that it may write into, which becomes its current folder.
        own_shared_memory: whether the kernel lets it have some.

    Raises:
        OSError: the kernel refuses.
    """
    if own_shared_memory:
        take_own_shared_memory()
    os.chdir(scratch)
    os.environ["TMPDIR"] = tempfile.tempdir = scratch
    shut_in(_rules(os.path.realpath(file), list(map(os.path.realpath, (*hidden, CHECKS))), scratch))


def places(file: str, hidden: Iterable[str]) -> Places:
    """What a container has of this machine's files, in which a file is played.

    Args:
        file: the one that is graded.
        hidden: folders that it may not read.
    """
    unseen = [*map(os.path.realpath, hidden), CHECKS]
    file = os.path.abspath(file)
    return Places(
        shown=(*PROGRAMS, *SETTINGS, *_as_named(_python(unseen))),
        covered=tuple(filter(os.path.isdir, unseen)),
        beside=tuple(
            found
            for path in (file, os.path.realpath(file))
            for found in _beside(path, unseen, tempfile.gettempdir())
        ),
    )


def _as_named(found: list[str]) -> Iterator[str]:
    """Places, and also as `sys.path` names them, which may be by a link."""
    yield from found
    yield from (path for path in sys.path if os.path.realpath(path) in found)


def _rules(file: str, hidden: list[str], scratch: str) -> Iterator[Rule]:
    for place in _python(hidden):
        yield from _without(hidden, place)
    yield from ((path, READ) for path in (*PROGRAMS, *SETTINGS, "/proc"))
    yield from ((path, OPEN_TO_WRITE) for path in (*DEVICES, f"/proc/{os.getpid()}"))
    yield from ((path, READ) for path in _beside(file, hidden, scratch))
    yield FOLDER, KEEP_FILES
    yield scratch, ALL


def _python(hidden: list[str]) -> list[str]:
    """Where Python, the installed packages and this one are."""
    found = [PACKAGE, sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix, *sys.path]
    return [place for place in dict.fromkeys(map(os.path.realpath, found)) if place not in hidden]


def _beside(file: str, hidden: list[str], scratch: str) -> Iterator[str]:
    """The folder of a file. If that is a large part of the machine, what can be imported there."""
    folder = os.path.dirname(file)
    more_than_it = [*hidden, os.path.expanduser("~"), scratch]
    if any(_holds(folder, os.path.realpath(place)) for place in more_than_it):
        yield from map(str, Path(folder).glob("*.py"))
    else:
        yield folder


def _without(hidden: list[str], place: str) -> Iterator[Rule]:
    """To read a place, but nothing of what is hidden below it: its names can be seen."""
    if place in hidden:
        return
    if not any(_holds(place, one) for one in hidden):
        yield place, READ
        return
    yield place, Right.LIST
    with os.scandir(place) as entries:
        for entry in entries:
            yield from _without(hidden, entry.path)


def _holds(folder: str, place: str) -> bool:
    """Whether a place is a folder or below it; both are real paths."""
    return f"{place}/".startswith(f"{folder.rstrip('/')}/")
