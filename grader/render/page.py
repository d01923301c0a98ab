"""The report as one page for a browser: it loads nothing, runs nothing, and can be printed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from string import Template
from textwrap import dedent

import msgspec

from ..model.report import CheckReport, ExerciseReport, Report
from ..model.trace import Trace
from .markdown import Section, sections, to_html
from .picture import Timeline
from .signs import SIGNS, WORDS
from .svg import svg
from .text import marked_up
from .timeline import timeline

AROUND = 2
"""Lines of the learner's file that are shown before and after the one that is meant."""
MOST_OUTPUT = 200
"""Lines of what the learner's code printed that are shown."""

HERE = Path(__file__).parent
STYLES = ("verdict.css", "page.css")
"""What an exercise's part looks like, wherever it is shown; then the page around it."""


class PageContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a page shows with a report: the lesson's title, the learner's source, the hints of
    each exercise by its number, and the text of the lesson, all but the title markdown."""

    title: str
    source: str
    hints: dict[int, tuple[str, ...]]
    lesson: str


def to_page(graded: Sequence[tuple[Report, PageContext]]) -> str:
    """One HTML document on what was graded."""
    title = ", ".join(f"{report.lesson}: {score_of(report)}" for report, _ in graded)
    return document(title, (part for one in graded for part in Article(*one).parts()))


def document(title: str, body: Iterable[str], style: str = "") -> str:
    """An HTML document that a browser lets load nothing and run nothing.

    Args:
        body: the lines of it, as HTML.
        style: rules besides those of all pages.
    """
    styles = [*((HERE / name).read_text("utf-8") for name in STYLES), style]
    return Template((HERE / "page.html").read_text("utf-8")).substitute(
        title=marked_up(title), style="".join(styles).rstrip(), body="\n".join(body)
    )


class Article:
    """The part of the page on one lesson."""

    def __init__(self, report: Report, context: PageContext) -> None:
        self._report = report
        self._context = context
        self._source = source_lines(context.source)
        self._sections = [s for s in sections(context.lesson) if self._is_hinted_at(s)]
        self._anchors = {anchor for section in self._sections for anchor in section.anchors}

    def parts(self) -> Iterator[str]:
        yield "<article>"
        yield from self._head()
        for exercise in self._report.exercises:
            yield from self._exercise(exercise)
        yield from self._lesson()
        yield "</article>"

    # The head

    def _head(self) -> Iterator[str]:
        report = self._report
        yield f"<header>\n<h1>{marked_up(self._context.title)}</h1>"
        yield f'<p class="score"><strong>{score_of(report)}</strong></p>'
        run = f"{report.lesson} · {report.file} · {report.seconds:.2f} s · seed {report.seed}"
        yield f'<p class="quiet">{marked_up(run)}</p>'
        for note in report.notes:
            yield f'<p class="note">{marked_up(note)}</p>'
        yield '<nav aria-label="Exercises"><ol>'
        yield from map(self._entry, report.exercises)
        yield "</ol></nav>\n</header>"

    def _entry(self, exercise: ExerciseReport) -> str:
        return (
            f'<li class="{exercise.status}">{_sign(exercise.status)}'
            f'<a href="#{self._place(exercise)}">{name(exercise)}</a> {word(exercise)}</li>'
        )

    def _place(self, exercise: ExerciseReport) -> str:
        return f"{self._report.lesson}-exercise-{exercise.number}"

    # An exercise

    def _exercise(self, exercise: ExerciseReport) -> Iterator[str]:
        yield f'<section class="exercise" id="{self._place(exercise)}">'
        yield f'<h2 class="{exercise.status}">{name(exercise)} {word(exercise)}</h2>'
        where = f", line {exercise.line}" if exercise.line else ""
        yield f'<p class="quiet">{marked_up(self._report.file)}{where}</p>'
        yield from self.checks(exercise)
        if exercise.section and exercise.status != "passed":
            command = f"grade lesson {self._report.lesson} {exercise.section}"
            yield f'<p class="quiet">To read: <code>{marked_up(command)}</code></p>'
        hints = list(self.hints(exercise))
        yield from ("<h3>Hints</h3>", *hints) if hints else ()
        yield "</section>"

    def checks(self, exercise: ExerciseReport) -> Iterator[str]:
        """Its checks; what is known of the first failure is unfolded."""
        for check in exercise.checks:
            yield from self._check(check, check is exercise.first_failure)

    def _check(self, check: CheckReport, is_first: bool) -> Iterator[str]:
        says = f"{_sign(check.status)}<span>{marked_up(check.says)}</span>"
        if check.status == "passed":
            yield f'<p class="says passed">{says}</p>'
            return
        yield f"<details{' open' if is_first else ''}>"
        yield f'<summary class="says {check.status}">{says}</summary>\n<div class="found">'
        yield from self._broken(check) if check.status == "broken" else self._found(check)
        yield "</div>\n</details>"

    def _broken(self, check: CheckReport) -> Iterator[str]:
        yield "<p>The grader broke here; it is not your answer's fault. Please report this:</p>"
        yield f"<pre>{marked_up(check.problem)}</pre>"

    def _found(self, check: CheckReport) -> Iterator[str]:
        if check.expected != check.actual:
            yield _sides(check)
        if check.got is not None and check.got.exchanges:
            yield from self._picture(check.got, check.reference)
        for number, diagnosis in enumerate(check.diagnoses):
            seen = {earlier.line for earlier in check.diagnoses[:number]}
            yield f'<div class="{"further" if number else "diagnosis"}">'
            yield from paragraphs(diagnosis.text)
            yield f'<p class="quiet">more: <code>{diagnosis.explained_by}</code></p>'
            yield "</div>"
            if diagnosis.line not in seen:
                yield from excerpt(self._source, diagnosis.line)
        yield from _output(check)

    def _picture(self, got: Trace, reference: Trace | None) -> Iterator[str]:
        picture = timeline(got, reference)
        yield f"<figure>{self.drawn(picture, got)}"
        if reference is not None and len(picture.panels) == 1:
            yield "<figcaption>The reference's timeline is the same.</figcaption>"
        yield "</figure>"

    def drawn(self, picture: Timeline, _: Trace) -> str:
        """A picture of a trace, as HTML."""
        return (
            '<div class="picture" role="region" aria-label="Timeline" tabindex="0">\n'
            f"{svg(picture)}</div>"
        )

    # Hints, and what they point at

    def hints(self, exercise: ExerciseReport) -> Iterator[str]:
        """Its hints, each folded; none if it is done."""
        steps = self._steps(exercise)
        for number, step in enumerate(steps, 1):
            yield fold(f"Hint {number} of {len(steps)}", to_html(step, self.link))

    def _steps(self, exercise: ExerciseReport) -> tuple[str, ...]:
        wanted = exercise.status in ("failed", "todo")
        return self._context.hints.get(exercise.number, ()) if wanted else ()

    def _lesson(self) -> Iterator[str]:
        if not self._sections:
            return
        yield '<section class="lesson">\n<h2>From the lesson</h2>'
        for section in self._sections:
            prefix = f"{self._report.lesson}-"
            text = to_html(section.text, self.link, prefix)
            yield fold(
                marked_up(section.title), f'<div id="{prefix}{section.anchors[0]}">{text}</div>'
            )
        yield "</section>"

    def _is_hinted_at(self, section: Section) -> bool:
        hints = "".join(step for e in self._report.exercises for step in self._steps(e))
        return any(f"#{anchor})" in hints for anchor in section.anchors)

    def link(self, target: str) -> str | None:
        """Where a link of a hint or of the lesson leads from here, if anywhere."""
        path, _, anchor = target.partition("#")
        if target.startswith(("https://", "http://")):
            return target
        is_here = not path or Path(path).stem == self._report.lesson
        return f"#{self._report.lesson}-{anchor}" if is_here and anchor in self._anchors else None


def score_of(report: Report) -> str:
    """How many of the exercises pass, in words."""
    return f"{report.passed} of {report.total} exercises pass"


def name(exercise: ExerciseReport) -> str:
    """Number and title, as HTML."""
    return marked_up(f"{exercise.number} · {exercise.title}")


def _sign(status: str) -> str:
    said = f'<span class="hidden">{WORDS[status]}: </span>'
    return f'<span class="sign" aria-hidden="true">{SIGNS[status]}</span>{said}'


def word(exercise: ExerciseReport) -> str:
    """The state of an exercise in a word, as HTML."""
    return f'<span class="word">{WORDS[exercise.status]}</span>'


def _sides(check: CheckReport) -> str:
    return (
        f'<dl class="sides"><dt>expected</dt><dd>{marked_up(check.expected)}</dd>'
        f"<dt>got</dt><dd>{marked_up(check.actual)}</dd></dl>"
    )


def source_lines(text: str) -> list[str]:
    """The lines that Python counts."""
    return re.split(r"\r\n?|\n", text)


def excerpt(lines: Sequence[str], line: int | None) -> Iterator[str]:
    """The line that is meant, among those around it; nothing if there is no such line."""
    number = line or 0
    if 0 < number <= len(lines):
        first = max(1, number - AROUND)
        around = dedent("\n".join(lines[first - 1 : number + AROUND])).split("\n")
        numbered = (_line(n, text, n == number) for n, text in enumerate(around, first))
        yield f'<pre class="source"><code>{"".join(numbered)}</code></pre>'


def _line(number: int, text: str, is_meant: bool) -> str:
    tag = "mark" if is_meant else "span"
    shown = f'<span class="number">{number}</span>{marked_up(text)}'
    return f'<{tag} class="line">{shown}</{tag}>'


def paragraphs(text: str) -> Iterator[str]:
    """Sentences, and lines of code that are kept as they are."""
    for is_code, lines in groupby(text.split("\n"), lambda line: line.startswith("  ")):
        if is_code:
            code = "\n".join(lines)
            yield f"<pre>{marked_up(code)}</pre>"
        else:
            yield from (f"<p>{with_code(line)}</p>" for line in lines)


def with_code(paragraph: str) -> str:
    """What stands between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", marked_up(paragraph))


def _output(check: CheckReport) -> Iterator[str]:
    printed = check.got.output.rstrip().splitlines() if check.got else []
    if printed:
        shown = printed[:MOST_OUTPUT]
        if len(printed) > MOST_OUTPUT:
            shown.append(f"… and {len(printed) - MOST_OUTPUT} more lines")
        text = "\n".join(shown)
        yield fold("Your code printed", f"<pre>{marked_up(text)}</pre>")


def fold(summary: str, body: str) -> str:
    """HTML that unfolds when its summary is clicked. Both parts are HTML."""
    return f'<details class="fold"><summary>{summary}</summary>\n<div>{body}</div></details>'
