"""The ways to make a wrong answer of a right one, each a function on a part of its tree.

An operator gets a node and gives what could stand in its place: another node, or a `block` of
statements, which may be empty. It changes nothing of the node that it gets.
"""

from . import statements, timing, values  # noqa: F401  which declare them, in this order
from .declaring import MUTATIONS

__all__ = ["MUTATIONS"]
