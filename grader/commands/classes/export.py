"""`grade class export FORM`: the results for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...model.errors import UsageError
from ..words import CourseCommand
from .options import graded_lessons, takes_lessons, takes_results, takes_rules
from .writing import write

if TYPE_CHECKING:
    from ...classroom.points import ClassRules
    from ...classroom.store import Store
    from ...course.catalog import Lesson

EXAMPLES = """\b
Examples:
  grade class export csv > grades.csv
  grade class export canvas --out canvas.csv
  grade class export gradescope --out results/
"""
FORMS = ("csv", "canvas", "moodle", "gradescope", "junit", "jsonl", "markdown")


@click.command(
    "export", cls=CourseCommand, epilog=EXAMPLES, short_help="Write grades for other programs."
)
@click.argument("form", type=click.Choice(FORMS))
@click.option("--out", type=click.Path(path_type=Path), help="The file; a folder for gradescope.")
@takes_lessons
@takes_rules
@takes_results
def command(
    form: str, out: Path | None, lessons: tuple[Lesson, ...], rules: Path | None, results: Path
) -> None:
    """Write the results of a class in the form of another program.

    csv, canvas, moodle and markdown hold a line for each student; junit and jsonl hold every
    report; gradescope is a folder with a results.json for each student.
    """
    from ...classroom.points import class_rules
    from ...classroom.store import Store

    with Store(results) as store:
        chosen = graded_lessons(store.lessons(), lessons)
        if form == "gradescope":
            _write_gradescope(store, chosen, class_rules(rules), out)
        else:
            _write(_text(form, store, chosen, class_rules(rules)), out)


def _text(form: str, store: Store, lessons: list[Lesson], rules: ClassRules) -> str:
    from ...classroom.exports import lines, tables, tests
    from ...classroom.exports.markdown import to_markdown
    from ...classroom.gradebook import graded

    match form:
        case "jsonl":
            return lines.to_lines(one for lesson in lessons for one in store.attempts(lesson.name))
        case "junit":
            return tests.to_class_junit(graded(store, lessons, rules))
        case "canvas":
            return tables.to_canvas(graded(store, lessons, rules))
        case "moodle":
            return tables.to_moodle(graded(store, lessons, rules))
        case "markdown":
            return to_markdown(graded(store, lessons, rules))
    return tables.to_csv(graded(store, lessons, rules))


def _write_gradescope(
    store: Store, lessons: list[Lesson], rules: ClassRules, out: Path | None
) -> None:
    from ...classroom.exports.gradescope import to_gradescope
    from ...classroom.gradebook import file_names, graded

    if out is None or len(lessons) != 1:
        raise UsageError(
            "gradescope is a folder of results of one lesson", "name both: --out and --lesson"
        )
    [(lesson, scores)] = graded(store, lessons, rules)
    worth = {one.number: rules.worth(lesson, one.number) for one in lesson.exercises}
    names = file_names([score.attempt.student.key for score in scores])
    for score in scores:
        folder = out / names[score.attempt.student.key]
        write(to_gradescope(score, worth), folder / "results.json")


def _write(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
    else:
        write(text, out)
