"""Control groups: limits for several processes together (Linux).

They count what no limit of a single process does, such as files in memory. Whether this process
may make a group depends on who has started it: root may, as a rule, and so may a service of
systemd that was given its own.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PREFIX = "grader-"
"""Of the names of groups; the process that has made one comes next."""
_PATIENCE, _POLL = 5.0, 0.001
"""Real seconds until a group is empty whose processes were killed, and between looks."""


_LIMITS = {
    "memory": ("memory.max", "memory.limit_in_bytes"),
    "pids": ("pids.max", "pids.max"),
}
"""By controller, the file with the limit, in the newer kind of groups and in the older one."""


class Cgroup(NamedTuple):
    """A group: one folder, or with the older kind one for each controller."""

    folders: tuple[Path, ...]

    def join(self) -> None:
        """Move this process into it, with what it will start."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text("0")

    def remove(self) -> None:
        """Remove it. Its processes have ended."""
        deadline = time.monotonic() + _PATIENCE
        for folder in self.folders:
            while folder.exists() and time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    folder.rmdir()
                    break
                time.sleep(_POLL)


class Hierarchy(NamedTuple):
    """A tree of groups, and this process's place in it.

    Attributes:
        controllers: that it has, if it is of the older kind; the newer one has all the others.
        own: the folder of this process's group.
        root: that of the tree, as far as it can be seen.
    """

    controllers: frozenset[str]
    own: Path
    root: Path


def new_cgroup(memory: int, processes: int) -> Cgroup | None:
    """A group with these limits; None if this process may not make one.

    Args:
        memory: bytes.
        processes: processes and threads.
    """
    limits = {"memory": memory, "pids": processes}
    name = f"{PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    made = Cgroup(tuple(dict.fromkeys(_places(hierarchies(), name))))
    _remove_left(made)
    try:
        for folder in made.folders:
            folder.mkdir()
        for controller, limit in limits.items():
            _limit(made, controller, limit)
    except OSError:
        made.remove()
        return None
    return made


def _remove_left(beside: Cgroup) -> None:
    """Remove the groups of processes that were killed, and couldn't do so."""
    for folder in beside.folders:
        for other in folder.parent.glob(f"{PREFIX}*-*"):
            if not Path("/proc", other.name.removeprefix(PREFIX).partition("-")[0]).exists():
                with contextlib.suppress(OSError):  # it isn't empty
                    other.rmdir()


def _limit(made: Cgroup, controller: str, limit: int) -> None:
    for folder in made.folders:
        for name in _LIMITS[controller]:
            if (folder / name).exists():
                (folder / name).write_text(str(limit))
                return
    raise FileNotFoundError(controller)


def _places(found: list[Hierarchy], name: str) -> Iterator[Path]:
    """Where the new group is to be, in each tree that has one of the controllers."""
    older = {controller for one in found for controller in one.controllers}
    for one in found:
        if one.controllers & set(_LIMITS):
            yield one.own / name
        elif not one.controllers and not older >= set(_LIMITS):
            yield _above(one) / name


def _above(one: Hierarchy) -> Path:
    """In the newer kind a group with processes has no groups below it that limit anything."""
    return one.own if one.own == one.root else one.own.parent


def hierarchies(process: Path = Path("/proc/self")) -> list[Hierarchy]:
    """The trees that can be seen.

    Args:
        process: the folder that describes this process.
    """
    try:
        groups = (process / "cgroup").read_text().splitlines()
        mounts = (process / "mountinfo").read_text().splitlines()
    except OSError:
        return []
    own = {frozenset(names.split(",")) - {""}: path for _, names, path in _fields(groups)}
    return list(_mounted(mounts, own))


def _fields(groups: list[str]) -> Iterator[list[str]]:
    return (line.split(":", 2) for line in groups if line.count(":") >= 2)


def _mounted(mounts: list[str], own: dict[frozenset[str], str]) -> Iterator[Hierarchy]:
    for line in mounts:
        first, _, last = line.partition(" - ")
        seen, at = first.split()[3:5]
        kind, _, options = last.split()[:3]
        names = frozenset(options.split(",")) if kind == "cgroup" else frozenset()
        for controllers, path in own.items():
            fits = controllers <= names if controllers else kind == "cgroup2"
            if kind in ("cgroup", "cgroup2") and fits and Path(path).is_relative_to(seen):
                yield Hierarchy(controllers, Path(at) / Path(path).relative_to(seen), Path(at))
