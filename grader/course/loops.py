"""What the learner's text says about a line, to explain with; never to decide."""

from __future__ import annotations

import ast

import msgspec

from ..model.trace import Trace
from .syntax import parsed


def at_its_loop(trace: Trace, source: str) -> Trace:
    """The trace, with a loop that did not end named by where it begins.

    Args:
        source: the text of the file that was played.
    """
    outcome = trace.outcome
    if outcome.kind not in ("endless-loop", "ran-away"):
        return trace
    line = loop_around(source, outcome.line)
    return msgspec.structs.replace(trace, outcome=msgspec.structs.replace(outcome, line=line))


def loop_around(source: str, line: int | None) -> int | None:
    """The line of the outermost loop that `line` stands in, or `line` itself.

    A program that loops for ever is caught at some line of the loop, and at another one
    the next time, in an inner loop or between two rounds of it. The outermost one stays.
    """
    tree = parsed(source)
    if tree is None or line is None:
        return line
    around = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.While | ast.For | ast.AsyncFor)
        and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    return min(around, default=line)
