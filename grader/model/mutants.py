"""Mutants: wrong answers that are made by a program, and what the checks say of them."""

from __future__ import annotations

import msgspec


class Mutant(msgspec.Struct, frozen=True):
    """The solution with one change.

    Attributes:
        id: the name of the operator and a digest of what it changed.
        line: of the solution, where that stands.
        text: the whole file.
        diff: what was changed, as a unified diff without its head.
    """

    id: str
    exercise: int
    line: int
    text: str
    diff: str


class Tried(msgspec.Struct, frozen=True):
    """What the checks say of a mutant.

    Attributes:
        check: the first that does not pass; empty if all of them do.
        diagnosis: the id of why it fails.
        says: the words of that diagnosis; if the check itself broke, what happened.
        is_explained: whether the words say why, and not only what differs.
    """

    mutant: Mutant
    check: str = ""
    diagnosis: str = ""
    says: str = ""
    is_explained: bool = True

    @property
    def survives(self) -> bool:
        return not self.check
