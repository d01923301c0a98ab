"""What is left when all requests are answered: it may go on, is cancelled, and is closed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from ..clock import VirtualLoop
from ..clock.restarts import unwind
from ..model.trace import to_seconds, to_ticks
from .awaited import coroutines_in
from .tasks import Tasks

GRACE = 10.0
"""Virtual seconds in which a task that has been cancelled at the end may clear up."""

KILLED_AFTER = 60.0
"""Virtual seconds after the end of the lifespan in which a process has to exit by itself."""


def settle(future: asyncio.Future[Any], result: Any) -> None:
    """Set a future's result, unless it has one."""
    if not future.done():
        future.set_result(result)


async def drain(loop: VirtualLoop, tasks: Tasks, seconds: float) -> None:
    """Let work that outlives the responses, in tasks and threads, go on for so long."""
    clock = loop.clock
    end = clock.now + to_ticks(seconds)
    await _rest(loop)  # tasks that nothing refers to are found before they are waited for here
    while clock.now < end:
        left = [own.task for own in tasks.own() if not own.task.done()]
        thread = clock.next_parked()
        if left:
            await asyncio.wait(left, timeout=to_seconds(end - clock.now))
        elif thread is not None:
            await asyncio.sleep(to_seconds(min(thread, end) - clock.now))
        elif not clock.busy:
            return
        else:
            await _rest(loop)


async def exit_process(loop: VirtualLoop) -> None:
    """Let the app's process exit as Python does: it waits for what its threads still do.

    Daemons are not waited for, and what takes too long is killed.
    """
    clock = loop.clock
    end = clock.now + to_ticks(KILLED_AFTER)
    while clock.busy:  # a thread that was just started does what it can do at once
        await _rest(loop)
    if not all(is_over() for is_over in clock.before_exit):
        await cancel_leftovers(loop)
    while clock.now < end and not all(is_over() for is_over in clock.before_exit):
        due = clock.next_parked()
        if due is not None:
            await asyncio.sleep(to_seconds(min(due, end) - clock.now))
        elif clock.busy:
            await _rest(loop)
        else:
            return


async def _rest(loop: VirtualLoop) -> None:
    """Wait until the threads that are at work have come to rest."""
    at_rest: asyncio.Future[None] = loop.create_future()
    loop.at_rest.append(lambda: settle(at_rest, None))
    await at_rest


async def cancel_leftovers(loop: VirtualLoop) -> None:
    """What `asyncio.run` does at the end of a server's life, but not for ever."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    for _ in range(100):
        if all(task.done() for task in left):
            return
        await asyncio.sleep(0)
    # The clean-up itself must not run into the time limit.
    rest = to_seconds(loop.clock.time_limit - loop.clock.now - 1)
    if rest > 0:
        await asyncio.wait(left, timeout=min(GRACE, rest))


def close(loop: VirtualLoop) -> None:
    """Close a loop whatever state it is in; callbacks left in it are dropped."""
    loop.set_exception_handler(lambda *_: None)
    # Transports would learn of their end by a callback, and these are not run any more.
    for transport in tuple(loop._transports.values()):
        with suppress(Exception):
            transport.abort()
            transport._call_connection_lost(None)
    unwind(loop, lambda watched: coroutines_in(getattr(watched, "wrapped", watched)))
    loop._ready.clear()
    loop.close()
