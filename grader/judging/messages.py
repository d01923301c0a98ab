"""What a command and the process that judges for it say to each other."""

from __future__ import annotations

import msgspec

from ..model.report import Report


class GradeRequest(msgspec.Struct, frozen=True):
    """A text to be graded; the other fields are those of `Grading.grade`.

    The text comes with it: what is saved meanwhile is another request's.

    Attributes:
        is_one_of_many: whether other processes grade as well: then each makes do with one that
            plays, for no processor would have time for more.
        is_strangers: whether it is graded in a container of its own, where there can be one.
    """

    lesson: str
    file: str
    numbers: tuple[int, ...]
    seed: int | None
    shown_as: str
    source: str
    is_one_of_many: bool = False
    is_strangers: bool = False


class GradeReply(msgspec.Struct, frozen=True):
    """What came of a request.

    Attributes:
        report: None if the file could not be graded.
        problem: why not, and `remedy` what to do about it.
    """

    report: Report | None = None
    problem: str = ""
    remedy: str = ""
