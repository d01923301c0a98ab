"""The verdict on a cell of a notebook, as HTML to be put among the HTML of others.

Its colours follow the theme that JupyterLab, VS Code or Colab say they show. Its style holds
for nothing but itself, and what the page around it says of `p` and `pre` does not reach it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from ..model.report import ExerciseReport, Report
from .page import HERE, Article, PageContext, fold, name, word
from .text import marked_up

WITHIN = ".grade-verdict.grade-verdict"
"""What each rule of the style is made to begin with. Twice, to prevail over the page's own."""

TO_DO = "There is nothing to grade yet. Write your answer, and run the cell again."


def to_fragment(report: Report, context: PageContext, lesson_at: str = "") -> str:
    """A report as one HTML element.

    Args:
        lesson_at: the address of the lesson's text, for the links in hints.
    """
    return "\n".join(Fragment(report, context, lesson_at).parts())


class Fragment(Article):
    """The part of a notebook on what was graded."""

    def __init__(self, report: Report, context: PageContext, lesson_at: str) -> None:
        super().__init__(report, context)
        self._report = report
        self._lesson_at = lesson_at

    def parts(self) -> Iterator[str]:
        yield f'<div class="grade-verdict"><style>{_style()}</style>'
        for note in self._report.notes:
            yield f'<p class="note">{marked_up(note)}</p>'
        for exercise in self._report.exercises:
            yield from self._verdict(exercise)
        yield "</div>"

    def _verdict(self, exercise: ExerciseReport) -> Iterator[str]:
        report = self._report
        yield '<div class="exercise">'
        yield f'<p class="name {exercise.status}"><strong>{name(exercise)}</strong>{word(exercise)}'
        yield "</p>"
        where = f"{report.file}, line {exercise.line}" if exercise.line else report.file
        run = f"{where} · {report.seconds:.2f} s · seed {report.seed}"
        yield f'<p class="quiet">{marked_up(run)}</p>'
        if exercise.status == "todo":
            yield f"<p>{TO_DO}</p>"
        yield from self.checks(exercise)
        hints = "".join(self.hints(exercise))
        if hints:
            yield fold("More: hints", hints)
        yield "</div>"

    def link(self, target: str) -> str | None:
        """Links to sections of the lesson lead to its text."""
        path, _, anchor = target.partition("#")
        if path.endswith(f"{self._report.lesson}.md") and self._lesson_at:
            return f"{self._lesson_at}#{anchor}"
        return super().link(target)


@cache
def _style() -> str:
    own = (HERE / "fragment.css").read_text("utf-8")
    shared = (HERE / "verdict.css").read_text("utf-8")
    return own + re.sub(r"^([^{}\n]+) \{", _within, shared, flags=re.MULTILINE)


def _within(rule: re.Match[str]) -> str:
    return ", ".join(f"{WITHIN} {selector}" for selector in rule[1].split(", ")) + " {"
