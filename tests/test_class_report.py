"""What a class is told of itself: the page, and which works are alike. Takes 10 s."""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from learner import DAY53, MISTAKES
from rich.console import Console

from grader.classroom.clusters import ExerciseResults
from grader.classroom.exports.tables import to_csv
from grader.classroom.exports.tests import to_class_junit
from grader.classroom.feedback import feedback
from grader.classroom.likeness import likenesses
from grader.classroom.names import Names
from grader.classroom.overview import ClassOverview
from grader.classroom.page import to_class_page
from grader.classroom.points import ClassRules, LessonRules, class_rules, score
from grader.classroom.progress import outlook_of, shown_progress
from grader.classroom.store import Attempt
from grader.classroom.summary import show_summary
from grader.classroom.work import Student
from grader.course.catalog import Exercise, Lesson
from grader.model.details import Forged
from grader.model.errors import UsageError
from grader.model.report import (
    FILE_CHECK,
    CheckReport,
    Diagnosis,
    ExerciseReport,
    ExerciseStatus,
    Report,
)
from grader.model.trace import Outcome, Trace

LESSON = Lesson("day53", "Waiting", 5, (Exercise(1, "One"), Exercise(2, "Two")))
SOURCE = "def exercise_1():  # Anna Ek\n    await first()  # by Anna\n    await second()\n"


def failed(id_: str, line: int, outcome: Outcome | None = None) -> CheckReport:
    diagnoses = (Diagnosis(id_, line, f"Line {line} waits. <b>So?</b>"),)
    got = Trace(outcome=outcome) if outcome else None
    return CheckReport(id="c", says="It is quick.", status="failed", diagnoses=diagnoses, got=got)


def report(*checks: CheckReport | ExerciseStatus) -> Report:
    """A report on exercises: on each the check that failed, or its state."""
    exercises = [
        ExerciseReport(number=n, title="?", status="failed", checks=(one,))
        if isinstance(one, CheckReport)
        else ExerciseReport(number=n, title="?", status=one)
        for n, one in enumerate(checks, 1)
    ]
    return Report(lesson="day53", file="x.py", seed=1, seconds=0.1, exercises=tuple(exercises))


def attempt(
    key: str,
    found: Report | None,
    source: str = SOURCE,
    digest: str = "",
    submitted: datetime | None = None,
    is_late: bool = False,
) -> Attempt:
    return Attempt(
        student=Student(key=key, name=f"Name of {key}"),
        lesson="day53",
        digest=digest or f"{key} {source}",
        file="x.py",
        submitted=submitted,
        is_late=is_late,
        problem="" if found else f"{key}.zip can't be opened",
        report=found,
        source=source if found else None,
    )


IN_TURN = failed("awaited-in-turn", 3)
ATTEMPTS = [
    attempt("a", report(IN_TURN, "passed")),
    attempt("b", report(IN_TURN, "todo")),
    attempt("c", report(failed("awaited-in-turn", 2), "passed")),
    attempt("d", report(failed("raised", 1, Outcome("process-died", detail=Forged())), "todo")),
    attempt("e", report("failed", "passed")),
    attempt("e", report("passed", "passed"), source="pass"),
    attempt("f", None),
    attempt("g", report(IN_TURN, "passed"), digest=f"a {SOURCE}"),
]


def overview(attempts: Sequence[Attempt] = ATTEMPTS) -> ClassOverview:
    return ClassOverview(LESSON, attempts, ClassRules())


def page(are_shown: bool, attempts: Sequence[Attempt] = ATTEMPTS) -> str:
    students = [one.student for one in attempts]
    return to_class_page([overview(attempts)], Names(students, are_shown))


def text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


# Clusters


def test_class_is_clustered_by_reason_and_line() -> None:
    results = ExerciseResults(LESSON.exercises[0], overview().scores)
    assert [(one.id, len(one.failures)) for one in results.clusters] == [
        ("awaited-in-turn", 4),
        ("raised", 1),
    ]
    lines = [("await second()", 3), ("await first()  # by Anna", 1)]
    assert [(one.line, count) for one, count in results.clusters[0].lines] == lines
    assert results.clusters[0].example.line == "await second()"
    assert (results.counts["passed"], results.tried) == (1, 6)
    assert [(check.says, count) for check, count in results.checks] == [("It is quick.", 5)]


def test_reason_is_said_of_how_many() -> None:
    text = text_of(page(are_shown=False))
    assert "4 of 6: Calls that don't need each other wait for each other." in text
    assert "3 × await second()" in text
    assert "5 of 6, exercise 1: It is quick." in text


def test_file_that_cannot_be_run_says_nothing_of_an_exercise() -> None:
    """It is counted once, and not among those who have tried."""
    whole = msgspec.structs.replace(failed("syntax-error", 1), id=FILE_CHECK)
    attempts = [attempt("a", report(IN_TURN, "passed")), attempt("b", report(whole, whole))]
    found = overview(attempts)
    assert [(one.id, len(one.failures)) for one in found.failing_files] == [("syntax-error", 1)]
    first, second = found.exercises
    assert [one.id for one in first.clusters] == ["awaited-in-turn"]
    assert (first.tried, second.tried) == (1, 1)
    assert (first.counts["failed"], second.clusters) == (2, [])
    text = text_of(page(False, attempts))
    assert "1 of 2: The file isn't Python, so none of it runs." in text
    assert "1 of 1: Calls that don't need each other" in text


def test_works_until_it_passed_are_counted() -> None:
    first, second = LESSON.exercises
    assert (overview().tries(first), overview().tries(second)) == (2, 1)
    assert "Tries: works handed in" in page(are_shown=False)
    assert "Tries" not in page(False, ATTEMPTS[:4])


def test_summary_loses_no_word_where_there_is_little_room() -> None:
    """It tells as much in a terminal of 50 columns as in a wide one."""
    lesson = Lesson("day53", "Waiting", 5, (Exercise(1, "Concurrent operations"),))
    said = []
    for width in (50, 200):
        console = Console(width=width, record=True, file=io.StringIO())
        show_summary(lesson, overview().scores, console)
        said.append(console.export_text())
    narrow, wide = ("".join(text.split()) for text in said)
    assert sorted(narrow) == sorted(wide)
    assert max(map(len, said[0].splitlines())) <= 50


@pytest.mark.parametrize("width", [60, 80, 200])
def test_progress_leaves_room_for_what_the_terminal_writes(width: int) -> None:
    """A line that `^C` makes wrap is drawn twice."""
    console = Console(width=width, force_terminal=True, record=True, file=io.StringIO())
    with shown_progress(3000, console) as advance:
        advance(2999)
    drawn = re.split("(?=grading)", console.export_text())
    assert "2999/3000" in drawn[-1]
    assert max(map(len, drawn)) <= width - len("^C")


@pytest.mark.parametrize(
    ("done", "seconds", "outlook"),
    [
        (0, 3, ""),
        (2, 5, "24/min, 0:02:10 left"),
        (40, 20, "2.0/s, 0:00:07 left"),
    ],
)
def test_time_left_is_told_by_the_mean(done: int, seconds: float, outlook: str) -> None:
    """Not by the last verdicts, of which several may come at once."""
    assert outlook_of(done, 54, seconds) == outlook


# The page


def test_names_are_shown_only_if_asked_for() -> None:
    """Nor do comments say who it is, nor the name of a file."""
    hidden, shown = page(are_shown=False), page(are_shown=True)
    assert "Name of" not in hidden
    assert "Anna" not in hidden
    assert "f.zip" not in hidden
    assert "Name of f could not be graded: f.zip can't be opened" in text_of(shown)
    assert "Name of a" in shown
    assert "# by Anna" in shown


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ('x = "# no"  # Anna\ny = 1\n', 'x = "# no"  #\ny = 1\n'),
        ("f(  # Anna", "f(  #"),
        ('x = "\ny = 1  # Anna\n', 'x = "\ny = 1  #\n'),
        ("def f():\n    x\n  y\nz  # Anna\n", "def f():\n    x\n  y\nz  #\n"),
        ('"""Anna.\n\n1"""  # Ek\nx = f(\n    "a",  # b\n)', '"…"  #\n\n\nx = f(\n    "a",  #\n)'),
        ("# Anna\n\ndef f():  # Ek\n    'Ek'\n", '#\n\ndef f():  #\n    "…"\n'),
        ('x = "\x0c"  # Anna\r\ny\r# Ek', 'x = "\x0c"  #\ny\n#'),
    ],
)
def test_remarks_are_left_out_also_of_what_is_not_python(source: str, shown: str) -> None:
    """Each line stays where it is."""
    assert Names([], are_shown=False).code(source) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Line 2 raises Oops: Anna Ek, anna@x.org", "Line 2 raises Oops: … …, …@x.org"),
        ('annas_app = by_ANNA2("<li>", EkAnna)', '…_app = by_…("<li>", …)'),
        ("/home/s1234/ana.py is Jörg's", "/home/…/ana.py is …'s"),
        ("Will it wait till May? Will_May", "Will it wait till May? …"),
        ("li 12 items for Bo by LiBo", "li 12 items for … by …"),
    ],
)
def test_names_are_hidden_in_what_is_said_and_written(said: str, shown: str) -> None:
    """Whosever they are, and whatever of them; but for words of the course, and for numbers."""
    called = {"s1234": "Anna Ek", "12": "Bo Li", "j": "jörg", "w": "Will May"}
    students = [Student(key=key, name=name) for key, name in called.items()]
    names = Names(students, are_shown=False, common=["Will it be <li> in May?"])
    assert names.text(said) == shown


def test_order_of_students_does_not_tell_who_they_are() -> None:
    """Not only what they are called is drawn anew: everything is in the order of the numbers."""
    attempts = [attempt(f"{n:02}", report(IN_TURN, "passed")) for n in range(40)]
    names = Names([one.student for one in attempts], are_shown=False)
    drawn = names.in_order(attempts)
    assert [names[one.student.key] for one in drawn] == [f"student {n}" for n in range(1, 41)]
    assert drawn != attempts
    shown = Names([one.student for one in attempts], are_shown=True)
    assert shown.in_order(drawn) == attempts


def test_page_runs_nothing_and_shows_text_as_text() -> None:
    html = page(are_shown=True)
    assert "default-src 'none'" in html
    assert "<script" not in html
    assert "&lt;b&gt;So?&lt;/b&gt;" in html


def test_what_fell_outside_is_said() -> None:
    text = text_of(page(are_shown=True))
    assert "It reached for what isn't its own: look at it yourself: Name of d" in text
    assert "Identical: Name of a, Name of g" in text


def test_page_of_a_class_that_has_handed_in_nothing() -> None:
    assert "whose work could not be graded" in page(False, [attempt("f", None)])


def test_students_get_the_attempt_that_counts() -> None:
    """Or why there is none."""
    pages = dict(feedback([(LESSON, overview().scores)], hints=False))
    assert set(pages) == {"a", "b", "c", "d", "e", "f", "g"}
    assert "2 of 2 exercises pass" in pages["e"]
    assert "f.zip can't be opened" in text_of(pages["f"])


# Exports


def test_names_of_students_are_safe_where_they_are_exported() -> None:
    """A student who is called after a terminal's command, or a spreadsheet's formula."""
    named = [attempt("\x1b[2J\0", report("passed", "todo")), attempt("\t=1+1", None)]
    graded = [(LESSON, overview(named).scores)]
    assert r"\x1b[2J\x00.day53" in to_class_junit(graded)
    table = to_csv(graded)
    assert ElementTree.fromstring(to_class_junit(graded)).tag == "testsuites"
    assert not re.search("[\x1b\0\t]", table)
    assert "\n' =1+1,Name of" in table


# Points


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("submitted", "is_late", "points"),
    [
        (at(2, 12), False, 4),
        (at(2, 13), False, 3),
        (at(4, 12), False, 2),
        (at(9, 12), False, 2),
        (None, True, 3),
        (None, False, 4),
    ],
)
def test_late_days_cost(submitted: datetime | None, is_late: bool, points: float) -> None:
    rules = ClassRules(
        late_per_day=0.25,
        late_at_most=0.5,
        lessons={"day53": LessonRules(deadline=at(2, 12), points={"2": 3})},
    )
    one = attempt("a", report("passed", "passed"), submitted=submitted, is_late=is_late)
    assert score([one], LESSON, rules).points == points


def test_best_or_last_attempt_counts() -> None:
    """A file that can't be read takes no points away."""
    attempts = [
        attempt("a", report("passed", "passed")),
        attempt("a", report("passed", "todo"), source="x"),
        attempt("a", None),
    ]
    assert score(attempts, LESSON, ClassRules()).points == 2
    assert score(attempts, LESSON, ClassRules(attempt="last")).points == 1
    assert score(attempts, LESSON, ClassRules()).attempts == 2


def test_grader_that_broke_gives_no_points_and_takes_none() -> None:
    found = score([attempt("a", report("passed", "broken"))], LESSON, ClassRules())
    assert not found.is_final


@pytest.mark.parametrize(
    "text",
    [
        "[class]\nattempt = 'worst'",
        "[class]\nlate_per_day = 2",
        "[class.lessons.day99]",
        "[class.lessons.day53.points]\n99 = 1",
        "[class]\nlate = 1",
        "[class",
    ],
)
def test_rules_that_make_no_sense_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "rules.toml").write_text(text)
    with pytest.raises(UsageError):
        class_rules(tmp_path / "rules.toml")


# Likeness


def _is_plain(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return "__future__" not in text


ANSWERS = [
    [text for file in sorted(MISTAKES.glob(f"{n}_*.py")) if _is_plain(text := file.read_text())]
    for n in range(1, 9)
]
KNOWN = [text for texts in ANSWERS for text in texts[1::2]]
"""Half of the bank; classes are made of the other half."""


def made_class(count: int) -> dict[str, str]:
    """Works in none of which is the same answer."""
    halves = [texts[::2] for texts in ANSWERS]
    return {
        f"s{i}": "\n\n".join(half[i * len(half) // count] for half in halves) for i in range(count)
    }


class _Renamed(ast.NodeTransformer):
    """All names of one's own are others, and every result has a name."""

    def __init__(self, tree: ast.Module) -> None:
        bound = (node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
        self._own = {name for name in bound if name.islower()}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(f"{node.id}_x" if node.id in self._own else node.id, node.ctx)

    def visit_Return(self, node: ast.Return) -> list[ast.stmt] | ast.Return:
        if node.value is None:
            return node
        value = self.visit(node.value)
        return [
            ast.Assign([ast.Name("outcome", ast.Store())], value, lineno=1),
            ast.Return(ast.Name("outcome", ast.Load())),
        ]


def disguised(text: str) -> str:
    tree = ast.parse(text)
    return ast.unparse(ast.fix_missing_locations(_Renamed(tree).visit(tree)))


def test_copy_is_found_whatever_it_is_called() -> None:
    """And nothing else is, among works on the same exercises."""
    works = made_class(12)
    works["copy"] = disguised(works["s7"])
    [found] = likenesses(works, DAY53, KNOWN)
    assert found.keys == ("copy", "s7")
    assert len(found.exercises) >= 3


def test_what_the_course_has_is_nobodys() -> None:
    works = {"a": made_class(12)["s7"], "b": disguised(made_class(12)["s7"])}
    assert [one.keys for one in likenesses(works, DAY53, KNOWN)] == [("a", "b")]
    assert likenesses(works, DAY53, known=[works["b"]]) == []


def test_what_many_write_is_a_way_to_be_right() -> None:
    works = made_class(4)
    works |= {f"same{n}": works["s0"] for n in range(4)}
    assert not any("same0" in one.keys for one in likenesses(works, DAY53))


def test_what_is_not_python_is_like_nothing() -> None:
    assert likenesses({"a": "def (", "b": "def (", "c": ""}, DAY53) == []
