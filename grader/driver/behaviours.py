"""What the coroutine functions and plain functions of a scenario do when they are called."""

from __future__ import annotations

import asyncio
import builtins
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import anyio

from ..model.scenarios import Behaviour, Blocks, ByArgument, Error, InTurn, Takes
from ..model.values import unpacked

Choose = Callable[[tuple[Any, ...]], Takes]
"""What a function does when it is called with these arguments."""


def chooser(behaviour: Behaviour) -> Choose:
    """How a function behaves from call to call; each chooser counts its own calls."""
    match behaviour:
        case InTurn(steps):
            left = list(steps)
            return lambda arguments: left.pop(0) if len(left) > 1 else left[0]
        case ByArgument(cases, otherwise):
            known = [(case.arguments, chooser(case.behaves)) for case in cases]
            return _by_argument(known, chooser(otherwise))
        case Takes():
            return lambda arguments: behaviour


def _by_argument(known: list[tuple[tuple[Any, ...], Choose]], otherwise: Choose) -> Choose:
    def choose(arguments: tuple[Any, ...]) -> Takes:
        found = (chosen for case, chosen in known if case == arguments)
        return next(found, otherwise)(arguments)

    return choose


def parameters_of(behaviour: Behaviour) -> tuple[str, ...] | None:
    """The names of the parameters that a function of this behaviour has."""
    return behaviour.steps[0].parameters if isinstance(behaviour, InTurn) else behaviour.parameters


async def perform(step: Takes) -> Any:
    """Take the time that `step` takes, then do what it says."""
    try:
        await asyncio.sleep(step.seconds)
    except asyncio.CancelledError:
        if step.cleanup:
            # Shielded, because anyio cancels again and again what is in a cancelled scope.
            with anyio.CancelScope(shield=True):
                await anyio.sleep(step.cleanup)
        raise
    return _end(step)


def block(step: Blocks) -> Any:
    """Block the thread for as long as `step` says, then do what it says."""
    time.sleep(step.seconds)
    return _end(step)


def _end(step: Takes | Blocks) -> Any:
    if step.raises is not None:
        raise exception(step.raises)
    return unpacked(step.returns)


def exception(error: Error) -> BaseException:
    """The exception that a scenario names."""
    if error.type == "HTTPException":
        from fastapi import HTTPException

        return HTTPException(error.status or 500, error.text, dict(error.headers) or None)
    raised: BaseException = _class_of(error.type)(error.text)
    return raised


@cache
def _class_of(name: str) -> Any:
    return getattr(builtins, name)
