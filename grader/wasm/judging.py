"""What the page's judge does: grades a file that another worker plays."""

from __future__ import annotations

import gc
from pathlib import Path

import msgspec

from .install import install, judge_in_browser, let_plays_run

install()
judge_in_browser()

from ..course import catalog  # noqa: E402
from ..judge.grading import Grading  # noqa: E402
from ..model.errors import GraderError  # noqa: E402
from ..render.as_json import as_data  # noqa: E402
from ..render.verdict import to_verdict  # noqa: E402
from .asking import LEARNER  # noqa: E402

let_plays_run()
_grading = Grading()
_grading.processes = 1
gc.freeze()  # what has been imported stays


class Asked(msgspec.Struct, frozen=True):
    """What to grade. `exercises` are numbers."""

    lesson: str
    exercises: tuple[int, ...]
    source: str
    seed: int | None = None


def grade(text: str) -> str:
    """Grade a file.

    Args:
        text: an `Asked` in JSON.

    Returns:
        The report in JSON, or an object with the `sentence` that says why there is none.
    """
    asked = msgspec.json.decode(text, type=Asked)
    try:
        report = _grading.grade(
            catalog.lesson(asked.lesson),
            Path(LEARNER) / "exercise.py",
            asked.exercises,
            seed=asked.seed,
            shown_as="exercise.py",
            source=asked.source,
        )
    except GraderError as error:
        return msgspec.json.encode({"sentence": str(error)}).decode()
    gc.collect()
    problems = [check.problem for one in report.exercises for check in one.checks if check.problem]
    html = to_verdict(report, asked.source)
    answer = {"report": as_data(report), "html": html, "sentence": "", "problems": problems}
    return msgspec.json.encode(answer).decode()
