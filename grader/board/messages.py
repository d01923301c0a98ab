"""What a learner reports, and what a page is told. Whatever else is sent is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, ValidationError

from ..render.text import printable

MOST_BYTES = 100_000
"""Of a report."""
LARGEST = 2**31 - 1
"""What fits into a column of type `int`."""

Number = Annotated[int, Field(ge=0, le=LARGEST)]
Shown = AfterValidator(printable)
"""Of text that others are shown: a control character in it, or a sign that turns the direction of
writing, is spelled out. PostgreSQL keeps no null characters, either."""
Name = Annotated[str, Field(max_length=60), Shown]
Reason = Annotated[str, Field(pattern="^[a-z0-9-]*$", max_length=60)]


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("too far away") from error


class ReportedCode(BaseModel):
    """A learner's answer, if they want it to be seen.

    Attributes:
        first_line: the number that its first line has in their file.
        line: the number of the line that the verdict is about.
    """

    text: Annotated[str, Field(max_length=20_000), Shown]
    first_line: Number
    line: Number | None = None


class ReportedExercise(BaseModel):
    """The verdict on an exercise.

    Attributes:
        reason: the id of the likeliest diagnosis of what failed; empty if there is none.
    """

    number: Number
    status: Literal["passed", "failed", "todo", "broken"]
    reason: Reason = ""
    code: ReportedCode | None = None


class LearnerReport(BaseModel):
    """What a learner's `grade` sends after a verdict.

    Attributes:
        id: a report that is sent again has the same one.
        learner: a number drawn at random, which tells nothing of who it is.
        name: only if the learner has given one.
    """

    id: UUID
    learner: UUID
    name: Name | None = None
    lesson: Annotated[str, Field(max_length=60)]
    graded_at: Annotated[AwareDatetime, AfterValidator(_in_utc)]
    exercises: Annotated[list[ReportedExercise], Field(min_length=1, max_length=100)]

    @property
    def exercise(self) -> int:
        """The exercise that the learner is on: the first that fails, else the first that is to
        do, else the last."""
        for status in ("failed", "broken", "todo"):
            for one in self.exercises:
                if one.status == status:
                    return one.number
        return self.exercises[-1].number


def in_words(error: ValidationError) -> str:
    """What is wrong with a report, and where."""
    return "; ".join(_problems(error))


def _problems(error: ValidationError) -> Iterator[str]:
    for found in error.errors(include_url=False, include_input=False)[:3]:
        place = ".".join(map(str, found["loc"]))
        yield f"{place}: {found['msg']}" if place else found["msg"]


# What a page is told


class LearnerPlace(BaseModel):
    """Where somebody is.

    Attributes:
        minutes: since their exercise came to this status, for this reason.
        name: None where names are hidden, or none was given.
    """

    status: str
    minutes: int
    name: str | None = None


class ExerciseOverview(BaseModel):
    """An exercise: how many pass and fail it, and who is on it now."""

    number: int
    title: str
    passed: int
    failed: int
    here: list[LearnerPlace]


class LessonOverview(BaseModel):
    """A lesson that somebody has begun."""

    name: str
    title: str
    exercises: list[ExerciseOverview]


class Misunderstanding(BaseModel):
    """Why an exercise fails for several learners right now.

    Attributes:
        says: what the reason means, in a sentence.
        count: of the `tried` learners whose exercise it is.
        example: an answer, from somebody who sends theirs; only for the instructor.
    """

    lesson: str
    exercise: int
    title: str
    reason: str
    says: str
    count: int
    tried: int
    example: ReportedCode | None = None


class BoardOverview(BaseModel):
    """All that a page shows.

    Attributes:
        here: learners who have reported lately.
        may_name: whether this reader may ask for names.
        join_token: only for the instructor.
    """

    learners: int
    here: int
    misunderstandings: list[Misunderstanding]
    lessons: list[LessonOverview]
    may_name: bool = False
    join_token: str = ""
