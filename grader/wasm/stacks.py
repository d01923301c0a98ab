"""Threads as stacks: each has a WebAssembly stack of its own, and one of them runs at a time.

A stack runs until it has to wait; then the one that has been ready longest goes on. JavaScript
suspends and resumes them (JSPI, JavaScript Promise Integration). A browser without it has the
main stack only: what is started there runs at once, to its end, and can't wait for others.
"""

from __future__ import annotations

import _thread
import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from time import process_time  # which no play redirects; there it is the time since the start
from typing import Any, NoReturn

from .given import ffi, page

_real_ident: Callable[[], int] = _thread.get_ident


class Deadlock(RuntimeError):
    """Every stack waits for another."""


class NoThreads(RuntimeError):
    """This browser has one stack only."""

    def __init__(self) -> None:
        super().__init__(
            "This browser can't run threads, and with them `def` endpoints and thread pools. "
            "A newer one can: Chrome or Edge 137, Firefox 153, Safari 27."
        )


def tell_refused(said: str) -> None:
    """Hear that something is refused for want of threads. Who can tell the learner replaces it."""


def _refuse() -> NoReturn:
    error = NoThreads()
    tell_refused(str(error))
    raise error


class Stack:
    """One stack.

    Args:
        body: what it runs; None is the main stack, which runs already.

    Attributes:
        ident: stands for the number that a thread has.
        is_deadlocked: whether it goes on only because no stack can.
    """

    def __init__(self, body: Callable[[], object] | None = None) -> None:
        self._body = body
        self.ident = next(_idents) if body is not None else _real_ident()
        self._gate: Any = None
        self.is_deadlocked = False

    @property
    def is_new(self) -> bool:
        """Whether it has not begun to run."""
        return self._gate is None

    def go_on(self) -> None:
        """Let it run as soon as the main stack is suspended, or the main stack itself."""
        self._gate.open()

    def begin(self) -> None:
        """Let it run for the first time."""
        self.renew_gate()
        page.begin(ffi.create_proxy(self._live))

    def _live(self) -> None:
        asyncio._set_running_loop(None)  # Pyodide gives each stack its own loop to begin with
        assert self._body is not None
        try:
            self._body()
        finally:
            _hand_over()

    def suspend(self) -> None:
        """Stand still until `go_on`."""
        ffi.run_sync(self._gate.opened)

    def renew_gate(self) -> None:
        self._gate = page.gate()


_idents = count(_real_ident() + 8)
main = Stack()
_ready: deque[Stack] = deque()


class _Turn:
    """Whose turn it is."""

    stack = main


def current() -> Stack:
    """The stack that runs."""
    return _Turn.stack


def get_ident() -> int:
    """What stands for the number of the calling thread."""
    return _Turn.stack.ident


def is_waiting(ident: int) -> bool:
    """Whether a stack waits for others, or has ended."""
    return ident != _Turn.stack.ident and all(stack.ident != ident for stack in _ready)


def others_are_ready() -> bool:
    """Whether a stack but the running one can go on."""
    return bool(_ready)


def make_ready(stack: Stack) -> None:
    """Let a stack that waits go on, when its turn comes."""
    if stack is not _Turn.stack and stack not in _ready:
        _ready.append(stack)


def start(body: Callable[[], object]) -> Stack:
    """A new stack, which runs when its turn comes.

    Raises:
        NoThreads: this browser can't make one beside another.
    """
    stack = Stack(body)
    if ffi.can_run_sync():
        make_ready(stack)
    elif _Turn.stack is main:
        _run_inline(stack, body)
    else:
        _refuse()
    return stack


def _run_inline(stack: Stack, body: Callable[[], object]) -> None:
    with without_loop():
        _Turn.stack = stack
        try:
            body()
        finally:
            _Turn.stack = main


def pause() -> None:
    """Let others run until the calling stack is made ready.

    Raises:
        Deadlock: none of them can run.
    """
    me = _Turn.stack
    if not _ready and not ffi.can_run_sync():
        _refuse()
    if not _ready:
        raise Deadlock("each thread waits for another")
    following = _ready.popleft()
    if following is me:
        return
    with _state_put_away(_web_loop):  # whose future `run_sync` makes
        _Turn.stack = following
        if me is main:
            _serve()
        else:
            me.renew_gate()
            main.go_on()
            me.suspend()
    if me.is_deadlocked:
        me.is_deadlocked = False
        raise Deadlock("each thread waits for another")


def _serve() -> None:
    """On the main stack: let others run until it is its own turn again.

    Every change of turns comes through here. All stacks lie in one piece of memory, where Pyodide
    puts away what is in the way of one that it resumes, and not what is in the way of one that
    begins, or of the callbacks between. What lies beneath the main stack is put away when that
    runs.
    """
    while (following := _Turn.stack) is not main:
        main.renew_gate()
        if following.is_new:
            following.begin()
        else:
            following.go_on()
        main.suspend()


def give_way() -> bool:
    """Let those run that are ready now; whether there were any."""
    if not _ready:
        return False
    _ready.append(_Turn.stack)
    pause()
    return True


def wait_until(ready: Callable[[], bool], seconds: float | None) -> bool:
    """Let others run until something holds, for so long at most; whether it holds.

    Returns also when no other stack can run: then none of them will bring it about.
    """
    end = None if seconds is None else process_time() + seconds
    while not ready():
        if (end is not None and process_time() >= end) or not give_way():
            return ready()
    return True


def sleep(seconds: float) -> None:
    """Wait in real time, while others run."""
    wait_until(lambda: False, seconds)


def _hand_over() -> None:
    """The calling stack has ended: another goes on."""
    main.is_deadlocked = not _ready
    _Turn.stack = _ready.popleft() if _ready else main
    main.go_on()


def without_loop() -> AbstractContextManager[None]:
    """As where a thread begins: no loop runs, though the page's own does."""
    return _state_put_away(None)


@contextmanager
def _state_put_away(instead: asyncio.AbstractEventLoop | None) -> Iterator[None]:
    """Without the running loop and task of the calling stack, which come back in the end."""
    loop = asyncio._get_running_loop()
    task = asyncio.tasks._swap_current_task(loop, None) if loop is not None else None  # type: ignore[attr-defined]
    asyncio._set_running_loop(instead)
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)
        if loop is not None:
            asyncio.tasks._swap_current_task(loop, task)  # type: ignore[attr-defined]


_web_loop: Any = asyncio._get_running_loop()
