"""The report for a workflow of GitHub Actions: messages at the learner's lines, and a summary.

A message is a workflow command, `::error file=…,line=…::text`, which GitHub shows beside the
line. What a learner's code said may stand in it, so each text is escaped as GitHub's own
toolkit does it, and no other line is printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..model.report import CheckReport, ExerciseReport, Report
from .signs import SIGNS, WORDS
from .terminal import lines
from .text import marked_up, printable

COLUMNS = 100
MOST_SUMMARY = 500_000
"""Characters of a summary. GitHub takes a mebibyte, and shows none of a longer one."""


def to_github(reports: Sequence[Report]) -> str:
    """A message for each exercise that has not passed."""
    return "".join(f"{message}\n" for report in reports for message in _messages(report))


def to_summary(reports: Sequence[Report]) -> str:
    """What stands in the summary of the run, as Markdown."""
    text = "\n".join(part for report in reports for part in _summary(report))
    if len(text) > MOST_SUMMARY:
        text = f"{text[:MOST_SUMMARY].rpartition('<details>')[0]}\nThe rest is left out."
    return f"{text}\n"


def _messages(report: Report) -> Iterator[str]:
    for exercise in report.exercises:
        if exercise.status != "passed":
            check = exercise.first_failure
            level = "error" if exercise.status in ("failed", "broken") else "notice"
            place = {
                "file": report.file,
                "line": str((check.line if check else None) or exercise.line or 1),
                "title": f"{report.lesson} {exercise.number} · {exercise.title}",
            }
            properties = ",".join(f"{name}={_property(value)}" for name, value in place.items())
            yield f"::{level} {properties}::{_data(_message(exercise, check))}"


def _message(exercise: ExerciseReport, check: CheckReport | None) -> str:
    """The first check that did not pass, and the first reason."""
    if check is None:
        return WORDS[exercise.status]
    if check.status == "broken":
        return f"{WORDS['broken']}: {check.problem}"
    why = check.diagnoses[0] if check.diagnoses else None
    return f"{check.says}\n{why.text} ({why.explained_by})" if why else check.says


def _summary(report: Report) -> Iterator[str]:
    yield f"## {marked_up(report.lesson)}: {report.passed} of {report.total} exercises pass\n"
    yield "| | exercise | |"
    yield "|---|---|---|"
    for exercise in report.exercises:
        title = marked_up(exercise.title).replace("|", "&#124;")
        word = WORDS[exercise.status]
        yield f"| {SIGNS[exercise.status]} | {exercise.number} · {title} | {word} |"
    yield "\n<details><summary>The verdict</summary>\n"
    yield f"<pre>{_verdict(report)}</pre>\n</details>\n"


def _verdict(report: Report) -> str:
    """What a terminal would show. Blank lines would end the block of HTML."""
    texts: Iterable[str] = (line.plain.rstrip() for line in lines(report, COLUMNS, True))
    return "\n".join(marked_up(text) or "&nbsp;" for text in texts)


def _data(text: str) -> str:
    text = printable(text).replace("%", "%25")
    return text.replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
