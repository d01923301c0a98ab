"""Puts all of it in place. To be called before anything else of the kit is imported."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack
from types import BuiltinFunctionType
from typing import cast

from . import absent, collecting, seen, selecting, signals, sockets, stacks, system, threads


def install() -> None:
    """Let this Python have threads, sockets, signals and processes, as far as can be."""
    collecting.install()
    system.install()
    threads.install()
    sockets.install()
    selecting.install()
    absent.install()
    signals.install()
    _let_programs_make_loops()
    seen.install()
    _let_others_run_while_sleeping()


def _let_programs_make_loops() -> None:
    # Pyodide's own ways all lead to the one loop of the page, which keeps real time.
    asyncio.events._set_event_loop_policy(None)  # type: ignore[attr-defined]  # Python's own
    setattr(asyncio, "run", asyncio.runners.run)  # noqa: B010


def _let_others_run_while_sleeping() -> None:
    # Pyodide's own stands before the one in C, which a play redirects.
    setattr(time, "sleep", getattr(time.sleep, "__wrapped__", time.sleep))  # noqa: B010
    from ..clock import clock, real_time
    from ..clock.redirecting import Redirection

    real_time.real["sleep"] = stacks.sleep
    for module, name in ((clock, "real_sleep"), (real_time, "sleep")):
        setattr(module, name, stacks.sleep)
    Redirection(cast(BuiltinFunctionType, time.sleep), stacks.sleep).begin()


_installed = ExitStack()
"""What is in place as long as the worker lives. A block that nobody kept would be left at once."""


def let_plays_run() -> None:
    """Put in place what each play in this worker needs, as a forkserver does."""
    from ..clock import clocks_installed
    from ..driver.blocking import blocking_calls_noted
    from ..worker.loading import remember_sources

    remember_sources()
    _installed.enter_context(clocks_installed())
    _installed.enter_context(blocking_calls_noted())


def judge_in_browser() -> None:
    """Let a judge ask other workers for plays, where it asks processes elsewhere."""
    from ..judge import clients, workers
    from .asking import BrowserClient, BrowserWorkers

    for module, name, stand_in in (
        (clients, "PlayerClient", BrowserClient),
        (workers, "Worker", BrowserWorkers),
    ):
        setattr(module, name, stand_in)
