"""Waiting for several sockets: a selector, `select.select` and `select.poll`."""

from __future__ import annotations

import fcntl
import select
import selectors
from collections.abc import Callable, Iterator
from typing import Any

from . import stacks
from .sockets import End, files, is_readable, number_of, open_file

_SelectorImpl: Any = vars(selectors)["_BaseSelectorImpl"]
IN, OUT = selectors.EVENT_READ, selectors.EVENT_WRITE
POLLIN, POLLOUT = 1, 4
_real_fcntl: Callable[..., Any] = fcntl.fcntl


def _is_writable(descriptor: int) -> bool:
    end = files.get(descriptor)
    return isinstance(end, End) and end.is_writable()


class MemorySelector(_SelectorImpl):  # type: ignore[misc]
    """In the place of `selectors.DefaultSelector`."""

    def __init__(self) -> None:
        super().__init__()
        self._descriptor = open_file(self)

    def fileno(self) -> int:
        return self._descriptor

    def close(self) -> None:
        files.pop(self._descriptor, None)
        super().close()

    def is_readable(self) -> bool:
        return any(True for _ in self._ready())

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            stacks.wait_until(self.is_readable, timeout)
        return list(self._ready())

    def _ready(self) -> Iterator[tuple[selectors.SelectorKey, int]]:
        for descriptor, key in list(self._fd_to_key.items()):
            events = IN if is_readable(descriptor) else 0
            events |= OUT if _is_writable(descriptor) else 0
            if events & key.events:
                yield key, events & key.events


class Poll:
    """As `select.poll`."""

    def __init__(self) -> None:
        self._masks: dict[int, int] = {}

    def register(self, source: Any, mask: int = POLLIN | POLLOUT) -> None:
        self._masks[number_of(source)] = mask

    modify = register

    def unregister(self, source: Any) -> None:
        del self._masks[number_of(source)]

    def poll(self, milliseconds: float | None = None) -> list[tuple[int, int]]:
        if milliseconds is None or milliseconds > 0:
            seconds = None if milliseconds is None else milliseconds / 1000
            stacks.wait_until(lambda: any(True for _ in self._ready()), seconds)
        return list(self._ready())

    def _ready(self) -> Iterator[tuple[int, int]]:
        for descriptor, mask in self._masks.items():
            events = (POLLIN if is_readable(descriptor) else 0) & mask
            events |= (POLLOUT if _is_writable(descriptor) else 0) & mask
            if events:
                yield descriptor, events


def select_(readers: Any, writers: Any, _: Any, timeout: float | None = None) -> Any:
    """As `select.select`."""

    def ready() -> tuple[list[Any], list[Any]]:
        can_write = [one for one in writers if _is_writable(number_of(one))]
        return [one for one in readers if is_readable(one)], can_write

    if timeout is None or timeout > 0:
        stacks.wait_until(lambda: any(ready()), timeout)
    return (*ready(), [])


def _fcntl(source: Any, command: int, argument: Any = 0) -> Any:
    return 0 if number_of(source) in files else _real_fcntl(source, command, argument)


def install() -> None:
    """Let `select` and `selectors` give these."""
    setattr(selectors, "DefaultSelector", MemorySelector)  # noqa: B010
    setattr(select, "poll", Poll)  # noqa: B010
    setattr(select, "select", select_)  # noqa: B010
    setattr(fcntl, "fcntl", _fcntl)  # noqa: B010
