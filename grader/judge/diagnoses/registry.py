"""What a rule is, and how one is declared.

A rule is a function that looks at a failed check for one misconception. Its id is what
`grade explain` is asked for; its docstring is what that says: what happens, why it is bad,
and, after `Instead:`, what to do. Several rules may find the same misconception in different
ways. Then one of them has the documentation, and the others say how they find it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import NamedTuple

from ...model.report import Diagnosis
from .case import Case


class Finding(NamedTuple):
    """The learner's line, if one is known, and what happens there."""

    line: int | None
    text: str


Look = Callable[[Case], Finding | None]

EVERYTHING = "custom"
"""The tag of an aspect that an author has written: it may look at anything."""


class Rule(NamedTuple):
    """One way to find one misconception.

    Attributes:
        id: of the misconception.
        look: finds it in a failed check, or gives None.
        about: what a check has to look at for the rule to be asked; anything, if empty.
        is_general: whether it only says what differs. Then it speaks if no other rule does.
    """

    id: str
    look: Look
    about: frozenset[str]
    is_general: bool

    def __call__(self, case: Case) -> Diagnosis | None:
        """What is found in a failed check; None if it is nothing, or not what it looks at."""
        if self.about and not (self.about | {EVERYTHING}) & case.looks_at:
            return None
        found = self.look(case)
        if found is not None and not isinstance(found, Finding):
            raise NoFinding(self, found)
        return None if found is None else Diagnosis(self.id, found.line, found.text)

    @property
    def documentation(self) -> str:
        """The docstring of the rule, without its indentation."""
        return inspect.getdoc(self.look) or ""


class NoFinding(TypeError):
    """A rule gives something else than a finding; `lineno` is where it begins in its file."""

    def __init__(self, rule: Rule, found: object) -> None:
        super().__init__(f"the rule {rule.id} gives {found!r}, neither a Finding nor None")
        self.lineno = inspect.unwrap(rule.look).__code__.co_firstlineno


def rule(id_: str, *about: str, general: bool = False) -> Callable[[Look], Rule]:
    """Declare a rule.

    Args:
        id_: of the misconception, in lower case, with hyphens.
        about: the tags of the aspects that it explains, and `OUTCOME` if it also explains
            plays that did not finish; without any it explains everything.
        general: see `Rule.is_general`.
    """

    def declared(look: Look) -> Rule:
        return Rule(id_, look, frozenset(about), general)

    return declared
