"""What the learner's text says about a line, to explain with; never to decide."""

from __future__ import annotations

import ast

from .syntax import parsed


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
