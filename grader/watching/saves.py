"""Tells when a file may have been saved.

Its folder is watched, not the file: most editors put a new file in the place of the old
one. Whether the text has changed is for the caller to see: too many changes are reported
rather than too few.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from watchfiles import awatch

STEP = 5
"""Milliseconds between two looks at what the kernel has reported; a save takes one or two."""
DEBOUNCE = 50
"""Milliseconds after which changes are reported although the folder never comes to rest."""
POLL_EVERY = 100
"""Milliseconds between two looks at a folder whose changes the kernel doesn't report."""
HEARTBEAT = 250
"""Milliseconds after which to look even if nothing was reported: other machines write, too,
and a folder may be another one than it was."""
MOST_LINKS = 40

Task = asyncio.Task[None]
Folders = dict[Path, int]
"""Folders, each with what identifies it, so that a replaced one is noticed."""


class Saves:
    """Follows a file, and on request another one in its place.

    Args:
        changed: called whenever the file may have changed.
        fail: called with the task if that ends in an error.
    """

    def __init__(self, changed: Callable[[], object], fail: Callable[[Task], object]) -> None:
        self._changed = changed
        self._fail = fail
        self._file: Path | None = None
        self._stop = asyncio.Event()
        self._tasks: set[Task] = set()

    def follow(self, file: Path) -> None:
        if file == self._file:
            return
        self._file = file
        self._stop.set()
        self._stop = asyncio.Event()
        task = asyncio.create_task(watch_file(file, self._changed, self._stop))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: Task) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            self._fail(task)


async def watch_file(file: Path, changed: Callable[[], object], stop: asyncio.Event) -> None:
    """Call `changed` whenever the file may have changed, until `stop` is set."""
    must_poll: bool | None = None  # None: as the environment says
    while not stop.is_set():
        folders = folders_of(file)
        try:
            await _while_they_stay(file, folders, changed, stop, must_poll)
        except FileNotFoundError:  # gone meanwhile
            await asyncio.sleep(POLL_EVERY / 1000)
        except (OSError, RuntimeError):  # as when the kernel has no watches left
            must_poll = True
            await asyncio.sleep(POLL_EVERY / 1000)
        changed()


async def _while_they_stay(
    file: Path,
    folders: Folders,
    changed: Callable[[], object],
    stop: asyncio.Event,
    must_poll: bool | None,
) -> None:
    if not folders:
        await asyncio.sleep(HEARTBEAT / 1000)
        return
    changes = awatch(
        *folders,
        watch_filter=None,
        debounce=DEBOUNCE,
        step=STEP,
        stop_event=stop,
        rust_timeout=HEARTBEAT,
        yield_on_timeout=True,
        force_polling=must_poll,
        poll_delay_ms=POLL_EVERY,
        recursive=False,
    )
    async with contextlib.aclosing(changes):
        async for _ in changes:
            changed()
            if folders_of(file) != folders:
                return


def folders_of(file: Path) -> Folders:
    """The folders in which something changes when the file does, also if it is a link."""
    folders: Folders = {}
    for _ in range(MOST_LINKS):
        file = Path(os.path.abspath(file))
        with contextlib.suppress(OSError):
            folders[file.parent] = file.parent.stat().st_ino
        try:
            file = file.parent / file.readlink()
        except OSError:
            break
    return folders
