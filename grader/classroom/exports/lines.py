"""Results as JSON lines, one for each student's every attempt: for programs of your own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ...render.as_json import as_data
from ..store import Attempt


def to_lines(attempts: Iterable[Attempt]) -> str:
    """Each attempt with its whole report, in the form of `grade --format json`."""
    return "".join(f"{json.dumps(_data(attempt))}\n" for attempt in attempts)


def _data(attempt: Attempt) -> dict[str, Any]:
    student = attempt.student
    return {
        "student": student.key,
        "name": student.name,
        "email": student.email,
        "lesson": attempt.lesson,
        "file": attempt.file,
        "content": attempt.digest,
        "submitted": attempt.submitted.isoformat() if attempt.submitted else None,
        "is_late": attempt.is_late,
        "problem": attempt.problem or None,
        "report": as_data(attempt.report) if attempt.report else None,
    }
