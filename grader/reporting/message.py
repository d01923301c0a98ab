"""What is sent after a verdict, all of it; and the same in a sentence."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from ..course.answers import Answers
from ..course.catalog import Lesson
from ..model.report import ExerciseReport, Report
from .settings import ReportSettings

MOST_CODE = 20_000
"""Characters of an answer; a longer one isn't sent."""

Message = dict[str, Any]


def message_on(
    report: Report, lesson: Lesson, answers: Answers, settings: ReportSettings, learner: str
) -> Message:
    """What is sent about a report.

    Args:
        answers: the text that the report is on.
        learner: the number that the board knows the learner by.
    """
    return {
        "id": str(uuid.uuid4()),
        "learner": learner,
        "name": settings.name,
        "lesson": report.lesson,
        "graded_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "exercises": list(_exercises(report, lesson, answers, settings)),
    }


def _exercises(
    report: Report, lesson: Lesson, answers: Answers, settings: ReportSettings
) -> Iterator[Message]:
    """Each, with the code of the first that fails, if the learner wants it to be seen."""
    sends_code = settings.sends_code
    for exercise in report.exercises:
        found = _on_exercise(exercise)
        if sends_code and exercise.status == "failed":
            found |= _code(exercise, lesson, answers)
            sends_code = False
        yield found


def _on_exercise(exercise: ExerciseReport) -> Message:
    failure = exercise.first_failure if exercise.status == "failed" else None
    reason = (failure.reason if failure else None) or ""
    return {"number": exercise.number, "status": exercise.status, "reason": reason}


def _code(exercise: ExerciseReport, lesson: Lesson, answers: Answers) -> Message:
    known = lesson.exercise(exercise.number)
    text, span = answers.answer(known), answers.span(known)
    if span is None or len(text) > MOST_CODE:
        return {}
    line = exercise.first_failure.line if exercise.first_failure else None
    return {"code": {"text": text, "first_line": span[0] + 1, "line": line}}


def encoded(message: Message) -> bytes:
    """As it is sent."""
    return msgspec.json.encode(message)


def printed(message: Message) -> str:
    """As it is sent, with line breaks."""
    return msgspec.json.format(encoded(message), indent=2).decode()


def in_a_sentence(message: Message) -> str:
    """What is in a message."""
    exercises = message["exercises"]
    if len(exercises) == 1:
        said = f"{message['lesson']} {exercises[0]['number']} {_state(exercises[0])}"
    else:
        said = f"{message['lesson']}: {', '.join(_counts(exercises))}"
    name = f"as {message['name']!r}" if message["name"] else "without your name"
    code = "with" if any("code" in one for one in exercises) else "without"
    return f"{said}; {name}, {code} your code"


def _state(exercise: Message) -> str:
    word = _WORDS[exercise["status"]]
    return f"{word} ({exercise['reason']})" if exercise["reason"] else word


def _counts(exercises: list[Message]) -> Iterator[str]:
    counts = Counter(one["status"] for one in exercises)
    for status, word in _WORDS.items():
        if counts[status]:
            yield f"{counts[status]} {word}"


_WORDS = {"passed": "passed", "failed": "failed", "todo": "to do", "broken": "broken"}
