"""The report on a class as one page for a browser: it loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import mean

from ..judge.explaining import summary
from ..model.report import ExerciseReport
from ..render.page import document, excerpt, fold, paragraphs, source_lines, with_code
from ..render.signs import SIGNS, WORDS
from ..render.text import counted, marked_up
from .clusters import UNEXPLAINED, Cluster, ExerciseResults, FailedExercise, line_of
from .likeness import Likeness
from .names import Names
from .overview import ClassOverview
from .points import Score

STYLE = Path(__file__).with_name("class.css")
MOST_LINES = 3
"""Different lines of a cluster that are shown."""
MOST_CHECKS = 10
MOST_PAIRS = 50
LONGEST_LINE = 90
"""Characters of a line of code in a list."""

Html = Iterator[str]


def to_class_page(overviews: Iterable[ClassOverview], names: Names) -> str:
    """One HTML document on a class.

    Args:
        names: what students are called in it.
    """
    articles = [ClassArticle(one, names) for one in overviews]
    title = ", ".join(f"{one.lesson.name}: {_size(one.overview)}" for one in articles)
    body = (part for one in articles for part in one.parts())
    return document(title, body, STYLE.read_text("utf-8"))


class ClassArticle:
    """The part of the page on one lesson."""

    def __init__(self, overview: ClassOverview, names: Names) -> None:
        self.overview = overview
        self.lesson = overview.lesson
        self._names = names

    def parts(self) -> Html:
        yield '<article class="class">'
        yield from self._head()
        yield from self._files()
        for results in self.overview.exercises:
            yield from self._exercise(results)
        yield from self._table()
        yield from self._checks()
        yield from self._alike()
        yield from self._outside()
        yield "</article>"

    def _head(self) -> Html:
        yield f"<header>\n<h1>{marked_up(self.lesson.title)}</h1>"
        yield f'<p class="score"><strong>{_size(self.overview)}</strong></p>'
        yield f'<p class="quiet">{marked_up(_run(self.overview))}</p>'
        yield '<table class="exercises"><thead><tr><th>Exercise</th><th>Passed</th>'
        tries = "<th>Tries</th>" if self.overview.has_further_tries else ""
        yield f"<th>Not yet</th><th>To do</th>{tries}</tr></thead><tbody>"
        yield from map(self._row, self.overview.exercises)
        yield "</tbody></table>"
        if tries:
            means = "Tries: works handed in until the exercise passed, on average."
            yield f'<p class="quiet">{means}</p>'
        yield "</header>"

    def _row(self, results: ExerciseResults) -> str:
        exercise, counts = results.exercise, results.counts
        cells = "".join(
            f'<td class="number">{counts[status]}</td>' for status in ("passed", "failed", "todo")
        )
        link = f'<a href="#{self._place(exercise.number)}">{_title(results)}</a>'
        if self.overview.has_further_tries:
            tries = self.overview.tries(exercise)
            cells += f'<td class="number">{f"{tries:.1f}" if tries else ""}</td>'
        return f"<tr><td>{link}</td>{cells}</tr>"

    def _place(self, number: int) -> str:
        return f"{self.lesson.name}-exercise-{number}"

    def _files(self) -> Html:
        """Those whose file can't be run: they are not counted in what follows."""
        clusters = self.overview.failing_files
        if clusters:
            yield "<section>\n<h2>Files that can't be run</h2>"
            yield "<p>No exercise in them can pass. Below they are left out.</p>"
            for cluster in clusters:
                yield from self._cluster(cluster, len(self.overview.graded))
            yield "</section>"

    # An exercise

    def _exercise(self, results: ExerciseResults) -> Html:
        place = self._place(results.exercise.number)
        yield f'<section class="exercise" id="{place}">\n<h2>{_title(results)}</h2>'
        if not results.clusters:
            yield f"<p>{_all_pass(results)}</p>"
        for cluster in results.clusters:
            yield from self._cluster(cluster, results.tried)
        yield "</section>"

    def _cluster(self, cluster: Cluster, tried: int) -> Html:
        share = f"{len(cluster.failures)} of {tried}"
        said = f"<strong>{share}:</strong> {with_code(_meaning(cluster.id))}"
        yield fold(f"{said} <code>{cluster.id}</code>", "\n".join(self._inside(cluster)))

    def _inside(self, cluster: Cluster) -> Html:
        shown = cluster.lines[:MOST_LINES]
        if shown:
            yield "<p>Where it happens:</p><ul>"
            for failure, count in shown:
                yield f"<li>{count} × <code>{marked_up(self._line(failure))}</code></li>"
            others = len(cluster.lines) - len(shown)
            yield f"<li>and {counted(others, 'other line')}</li>" if others else ""
            yield "</ul>"
        yield from self._example(cluster)
        who = ", ".join(self._names[one.score.attempt.student.key] for one in cluster.failures)
        yield f'<p class="quiet">{marked_up(who)}</p>'

    def _line(self, found: FailedExercise) -> str:
        code = self._names.code(found.score.attempt.source or "")
        line = line_of(code, found.check.line)
        return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"

    def _example(self, cluster: Cluster) -> Html:
        """What one of them was told, and the lines that it is about."""
        found = cluster.example
        attempt = found.score.attempt
        yield f"<p>For example {marked_up(self._names[attempt.student.key])}, who is told:</p>"
        yield '<div class="diagnosis">'
        for diagnosis in found.check.diagnoses[:1]:
            yield from paragraphs(self._names.text(diagnosis.text))
        yield "</div>"
        code = self._names.code(attempt.source or "")
        yield from excerpt(source_lines(code), found.check.line)

    # The table of all

    def _table(self) -> Html:
        yield f"<section>\n<h2>{self.lesson.name}: exercises and students</h2>"
        yield '<div class="picture" role="region" aria-label="Table" tabindex="0">'
        yield '<table class="all"><thead><tr><th>Student</th>'
        yield from (f"<th>{one.exercise.number}</th>" for one in self.overview.exercises)
        yield "<th>Points</th></tr></thead><tbody>"
        yield from map(self._student, sorted(self.overview.graded, key=_pattern))
        yield "</tbody></table></div>"
        yield '<p class="quiet">Those who fail for the same reasons are side by side.</p></section>'

    def _student(self, score: Score) -> str:
        cells = "".join(map(_cell, score.attempt.exercises))
        points = f"{score.points:g} of {score.most:g}" if score.is_final else ""
        name = marked_up(self._names[score.attempt.student.key])
        return f'<tr><th scope="row">{name}</th>{cells}<td class="number">{points}</td></tr>'

    # What is hard

    def _checks(self) -> Html:
        found = [
            (count, results, check.says)
            for results in self.overview.exercises
            for check, count in results.checks
        ]
        hardest = sorted(found, key=lambda one: -one[0])[:MOST_CHECKS]
        if hardest:
            yield "<section>\n<h2>The hardest checks</h2>"
            yield '<p class="quiet">How often each is the first in its exercise that fails.</p><ol>'
            for count, results, says in hardest:
                yield (
                    f"<li>{count} of {results.tried}, exercise {results.exercise.number}: "
                    f"{with_code(says)}</li>"
                )
            yield "</ol></section>"

    # Likeness

    def _alike(self) -> Html:
        same, alike = self.overview.same, self.overview.alike
        behave_alike = self.overview.alike_in_behaviour
        if not (same or alike or behave_alike):
            return
        yield "<section>\n<h2>Works that are alike</h2>"
        yield "<p>Likeness is a reason to look at both, and to ask. It proves nothing.</p><ul>"
        for keys in same:
            yield f"<li>Identical: {self._who(keys)}</li>"
        yield from self._pairs(alike, "{} stretches of code that hardly anyone else has")
        yield from self._pairs(behave_alike, "what they do, and hardly anyone else does")
        yield "</ul></section>"

    def _pairs(self, alike: Sequence[Likeness], wherein: str) -> Html:
        for one in alike[:MOST_PAIRS]:
            numbers = ", ".join(map(str, sorted(one.exercises)))
            what = wherein.format(one.shared)
            yield f"<li>{self._who(one.keys)}: alike in exercises {numbers}, in {what}</li>"
        if len(alike) > MOST_PAIRS:
            yield f"<li>and {counted(len(alike) - MOST_PAIRS, 'other pair')}</li>"

    # What else to look at

    def _outside(self) -> Html:
        found = self.overview
        groups = (
            ("It reached for what isn't its own: look at it yourself", found.meddling),
            ("It died, or had to be ended", found.costly),
            ("The grader broke; grade again with --resume, and report it", found.broken),
        )
        if not (found.ungraded or any(scores for _, scores in groups)):
            return
        yield "<section>\n<h2>What else to look at</h2><ul>"
        yield from self._ungraded()
        for said, scores in groups:
            if scores:
                who = self._who([score.attempt.student.key for score in scores])
                yield f"<li>{said}: {who}</li>"
        yield "</ul></section>"

    def _ungraded(self) -> Html:
        found = self.overview.ungraded
        if self._names.are_shown:
            for one in found:
                why = f"{self._names[one.attempt.student.key]} could not be graded: "
                yield f"<li>{marked_up(why + one.attempt.problem)}</li>"
        elif found:  # the reason says what the file is called, and that is often the student's name
            who = self._who(one.attempt.student.key for one in found)
            yield f"<li>Could not be graded: {who}</li>"

    def _who(self, keys: Iterable[str]) -> str:
        return marked_up(", ".join(self._names[key] for key in keys))


def _size(overview: ClassOverview) -> str:
    said = counted(len(overview.graded), "student")
    if overview.ungraded:
        said += f", and {len(overview.ungraded)} whose work could not be graded"
    return said


def _run(overview: ClassOverview) -> str:
    reports = [one.attempt.report for one in overview.graded if one.attempt.report]
    if not reports:
        return overview.lesson.name
    passed = mean(report.passed for report in reports)
    return f"{overview.lesson.name} · {passed:.1f} of {reports[0].total} exercises pass on average"


def _title(results: ExerciseResults) -> str:
    return marked_up(f"{results.exercise.number} · {results.exercise.title}")


def _all_pass(results: ExerciseResults) -> str:
    return "Everyone who has begun it passes." if results.tried else "Nobody has begun it."


def _meaning(id_: str) -> str:
    if id_ == UNEXPLAINED:
        return "The answer differs, and no rule says why."
    return summary(id_)


def _cell(exercise: ExerciseReport) -> str:
    check = exercise.first_failure
    reason = (check.reason if check else None) or ""
    said = f"{WORDS[exercise.status]}{f': {reason}' if reason else ''}"
    sign = f'<span class="sign" title="{said}">{SIGNS[exercise.status]}</span>'
    return f'<td class="{exercise.status}">{sign}<span class="hidden">{said}</span></td>'


def _pattern(score: Score) -> tuple[int, tuple[str, ...]]:
    report, exercises = score.attempt.report, score.attempt.exercises
    reasons = ((one.first_failure.reason or "") if one.first_failure else "" for one in exercises)
    return -(report.passed if report else 0), tuple(reasons)
