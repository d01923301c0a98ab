"""What went wrong in a play, in words: a failing test shows them below the picture."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..model.failures import words
from ..model.trace import Exchange, Failure, Trace

MOST_TOLD = 5
"""Exceptions of one play that are told."""

_FRAME = re.compile(r'  File "[^"\n]*", line (\d+), in .*(?:\n {4}.*)?')


def troubles(trace: Trace) -> str:
    """How the play ended, unless it came to its end, and what the app let out."""
    told = [] if trace.outcome.kind == "finished" else [words(trace.outcome)]
    told += _own_frame(trace.outcome.failure)
    raised = [_raised(trace, exchange) for exchange in trace.exchanges if _is_trouble(exchange)]
    told += raised[:MOST_TOLD]
    if len(raised) > MOST_TOLD:
        told.append(f"and {len(raised) - MOST_TOLD} more")
    return "\n".join(told)


def _is_trouble(exchange: Exchange) -> bool:
    """Whether the app let an exception out. One that was cancelled was ended from outside."""
    return exchange.raised is not None and exchange.raised.type != "CancelledError"


def _raised(trace: Trace, exchange: Exchange) -> str:
    number = f" #{exchange.number + 1}" if len(trace.exchanges) > 1 else ""
    return "\n".join(
        [f"{exchange.method} {exchange.path}{number} raised", *_with_parts(exchange.raised)]
    )


def _with_parts(failure: Failure | None) -> Iterator[str]:
    """An exception and where it came from; of a group also what is in it."""
    if failure is None:
        return
    said = f"{failure.type}: {failure.text}".removesuffix(": ")
    frame = _own_frame(failure)
    place = f" (line {failure.line})" if failure.line and not frame else ""
    yield f"  {said}{place}"
    yield from frame
    for part in failure.within:
        yield from (f"  {line}" for line in _with_parts(part))


def _own_frame(failure: Failure | None) -> list[str]:
    """The entry of the traceback that is the innermost in the app's own code, if it is there."""
    found = _FRAME.finditer(failure.traceback) if failure else ()
    own = [entry[0] for entry in found if failure and entry[1] == str(failure.line)]
    return own[-1:]
