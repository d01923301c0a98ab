"""What the page's player does: plays a file for the judge, or runs a program for the learner."""

from __future__ import annotations

import gc

import msgspec

from .given import page
from .install import install, let_plays_run

install()

from fastapi.dependencies import models  # noqa: E402

from ..processes.limits import MEMORY, memory_in_use  # noqa: E402
from ..worker.messages import Load, PlayRequest  # noqa: E402
from ..worker.player import encoded_result  # noqa: E402
from . import programs  # noqa: E402
from .leaving import leave  # noqa: E402
from .players import BrowserPlayer  # noqa: E402

let_plays_run()
_player = BrowserPlayer(leave)
gc.freeze()  # what has been imported stays


def load(text: str) -> None:
    """Play this file from now on: a `Load` in JSON."""
    _player.load(msgspec.json.decode(text, type=Load))


def play(text: str) -> str:
    """Play it: from a `PlayRequest` in JSON to a `PlayResult`."""
    result = _player.play(msgspec.json.decode(text, type=PlayRequest))
    if result.spoiled:
        page.spoil()
    _let_go()
    return encoded_result(result).decode()


def run(text: str) -> str:
    """Run a program; see `programs.run`."""
    try:
        return programs.run(text)
    finally:
        _let_go()
        if memory_in_use() > MEMORY // 4:  # which a worker can't give back
            page.spoil()


def _let_go() -> None:
    """Free what has been played.

    FastAPI remembers of thousands of endpoints what they are, and with them whole plays, which
    each collection would go through.
    """
    for one in vars(models).values():
        if hasattr(one, "cache_clear"):
            one.cache_clear()
    gc.collect()
