"""What a command and the process that judges for it say to each other."""

from __future__ import annotations

import msgspec

from ..model.report import Report


class GradeRequest(msgspec.Struct, frozen=True):
    """A text to be graded; the other fields are those of `Grading.grade`.

    The text comes with it: what is saved meanwhile is another request's.

    Attributes:
        of_another: whether another person wrote it than the last one. Then it is played in
            processes that the last one has not been in.
    """

    lesson: str
    file: str
    numbers: tuple[int, ...]
    seed: int | None
    shown_as: str
    source: str
    of_another: bool = False


class GradeReply(msgspec.Struct, frozen=True):
    """What came of a request.

    Attributes:
        report: None if the file could not be graded.
        problem: why not, and `remedy` what to do about it.
    """

    report: Report | None = None
    problem: str = ""
    remedy: str = ""
