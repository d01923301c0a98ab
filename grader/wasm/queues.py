"""A queue between stacks, in the place of `queue.SimpleQueue`, which is written in C."""

from __future__ import annotations

from collections import deque
from queue import Empty
from types import GenericAlias
from typing import Any

from . import stacks
from .stacks import Stack


class SimpleQueue:
    """As `queue.SimpleQueue`: a stack that finds it empty waits, and lets others run."""

    __class_getitem__: Any = classmethod(GenericAlias)

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._waiting: deque[Stack] = deque()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        self._items.append(item)
        if self._waiting:
            stacks.make_ready(self._waiting.popleft())

    put_nowait = put

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        if block and timeout is None:
            self._wait()
        elif block:
            stacks.wait_until(lambda: bool(self._items), timeout)
        if not self._items:
            raise Empty
        return self._items.popleft()

    def get_nowait(self) -> Any:
        return self.get(block=False)

    def _wait(self) -> None:
        while not self._items:
            self._waiting.append(stacks.current())
            stacks.pause()

    def empty(self) -> bool:
        return not self._items

    def qsize(self) -> int:
        return len(self._items)
