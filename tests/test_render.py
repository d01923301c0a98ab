"""What a learner sees: whole reports and pictures, at a fixed width."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from inspect import cleandoc
from io import StringIO
from typing import Any

import msgspec
import pytest
from rich.console import Console

from grader.render.bars import draw
from grader.render.overview import show_overview
from grader.render.svg import timeline_svg
from grader.render.terminal import show
from grader.render.timeline import timeline
from grader.report import CheckReport, Diagnosis, ExerciseReport, Report
from grader.trace import Chunk, Exchange, Moment, Outcome, Span, Trace, to_ticks

# Traces


def moment(seconds: float) -> Moment:
    return Moment(to_ticks(seconds), 0)


def span(name: str, start: float, end: float, how: Any = "done", **facts: Any) -> Span:
    facts = {"kind": "call", "exchange": 0} | facts
    return Span(name=name, start=moment(start), end=moment(end), how=how, **facts)


def answered(path: str, start: float, end: float, number: int = 0) -> Exchange:
    return Exchange(
        number=number,
        method="GET",
        path=path,
        started=moment(start),
        completed=moment(end),
        status=200,
    )


def finished(*exchanges: Exchange, spans: tuple[Span, ...] = (), output: str = "") -> Trace:
    return Trace(outcome=Outcome("finished"), exchanges=exchanges, spans=spans, output=output)


IN_TURN = finished(
    answered("/dashboard", 0, 4.5),
    spans=(span("fetch_user", 0, 1), span("fetch_orders", 1, 3), span("fetch_stats", 3, 4.5)),
)

EVERY_KIND = finished(
    answered("/external", 0, 2),
    Exchange(
        number=1,
        method="POST",
        path="/rows",
        started=moment(1),
        hung_up=moment(3),
        chunks=(Chunk(moment(1.5), b"a\n"), Chunk(moment(2.5), b"b\n")),
    ),
    spans=(
        span("cancelled", 0, 2, "cancelled"),
        span("failing", 0, 1.5, "failed"),
        span("left", 1, 6, "open", exchange=1),
        span("instant", 1, 1, exchange=1),
        span("sleep", 2, 4, kind="blocked", line=12, exchange=1),
    ),
)


# Reports

PASSED = CheckReport(id="ok", says="The dashboard holds all three.", status="passed")
SLOW = CheckReport(
    id="slow",
    says="The dashboard takes as long as its slowest fetch, not as long as all of them together.",
    status="failed",
    expected="2.00 s",
    actual="4.50 s",
    got=IN_TURN,
    diagnoses=(
        Diagnosis("awaited-in-turn", 47, "Lines 47, 48 and 49 wait for each fetch in its turn."),
        Diagnosis("wrong-time", None, "A second reason."),
    ),
)
LATER = CheckReport(id="later", says="When a fetch fails, the answer is 502.", status="failed")
BROKEN = CheckReport(
    id="broken", says="The value is passed on.", status="broken", problem="KeyError: 'fetch'"
)
SYNTAX = CheckReport(
    id="file-can-be-imported",
    says="The file can be imported.",
    status="failed",
    got=Trace(
        outcome=Outcome("syntax-error"),
        output="\n".join(f"line {n}" for n in range(14)),
    ),
    diagnoses=(
        Diagnosis(
            "syntax-error",
            3,
            "Line 3 is not valid Python: invalid syntax.\n  def broken(:\n             ^",
        ),
    ),
)

REPORT = Report(
    lesson="day53",
    file="exercises/day53/exercise.py",
    seed=7,
    seconds=0.5,
    notes=("The file changed while it was graded. This is the verdict on how it was before.",),
    exercises=(
        ExerciseReport(number=1, title="Basic async", status="passed", line=4),
        ExerciseReport(
            number=2,
            title="Concurrent operations",
            status="failed",
            line=41,
            checks=(PASSED, SLOW, LATER),
        ),
        ExerciseReport(
            number=4, title="Error handling", status="broken", line=60, checks=(BROKEN,)
        ),
        ExerciseReport(
            number=5, title="Background tasks", status="failed", line=70, checks=(SYNTAX,)
        ),
        ExerciseReport(number=6, title="Partial failures", status="todo", line=80),
    ),
)


def shown(report: Report, width: int, everything: bool = False) -> str:
    out = StringIO()
    show(report, Console(file=out, width=width), everything)
    return out.getvalue()


def with_check(**changes: Any) -> Report:
    """A report on one exercise with one failed check."""
    check = msgspec.structs.replace(SLOW, **changes)
    exercise = msgspec.structs.replace(REPORT.exercises[1], checks=(check,))
    return msgspec.structs.replace(REPORT, exercises=(exercise,), notes=())


def test_report_at_eighty_columns() -> None:
    """The first failing exercise in detail, and one line for each of the others."""
    assert (
        shown(REPORT, 80).splitlines()
        == cleandoc(
            """
        ✔ 1 · Basic async                                                         passed

        2 · Concurrent operations                         exercises/day53/exercise.py:41
          ✔ The dashboard holds all three.
          ✘ The dashboard takes as long as its slowest fetch, not as long as all of them
            together.
              expected  2.00 s     got  4.50 s
                             0s          1s          2s           3s          4s
              GET /dashboard ───────────────────────────────────────────────────────
                fetch_user   ████████████▏
                fetch_orders             ████████████████████████▋
                fetch_stats                                       ██████████████████
            Lines 47, 48 and 49 wait for each fetch in its turn.
            A second reason.
            more: grade hint day53 2
          ✘ When a fetch fails, the answer is 502.

        ? 4 · Error handling                                            the grader broke
        ✘ 5 · Background tasks                                     not yet: syntax-error
        · 6 · Partial failures                                                     to do

        The file changed while it was graded. This is the verdict on how it was before.
        1 of 5 exercises pass  (day53, 0.50 s, seed 7)
        """
        ).splitlines()
    )


def test_report_of_everything_at_sixty_columns() -> None:
    """Every failing exercise in detail."""
    assert (
        shown(REPORT, 60, everything=True).splitlines()
        == cleandoc(
            """
        ✔ 1 · Basic async                                     passed

        2 · Concurrent operations     exercises/day53/exercise.py:41
          ✔ The dashboard holds all three.
          ✘ The dashboard takes as long as its slowest fetch, not as
            long as all of them together.
              expected  2.00 s     got  4.50 s
                             0s              2s             4s
              GET /dashboard ───────────────────────────────────
                fetch_user   ███████▊
                fetch_orders         ███████████████▎
                fetch_stats                         ████████████
            Lines 47, 48 and 49 wait for each fetch in its turn.
            A second reason.
            more: grade hint day53 2
          ✘ When a fetch fails, the answer is 502.


        4 · Error handling            exercises/day53/exercise.py:60
          ✘ The value is passed on.
              The grader broke here; it is not your answer's fault.
              Please report this: KeyError: 'fetch'


        5 · Background tasks          exercises/day53/exercise.py:70
          ✘ The file can be imported.
            Line 3 is not valid Python: invalid syntax.
              def broken(:
                         ^
            Your code printed:
              line 0
              line 1
              line 2
              line 3
              line 4
              line 5
              line 6
              line 7
              line 8
              line 9
              line 10
              line 11
              … and 2 more lines
            more: grade hint day53 5

        · 6 · Partial failures                                 to do

        The file changed while it was graded. This is the verdict on
        how it was before.
        1 of 5 exercises pass  (day53, 0.50 s, seed 7)
        """
        ).splitlines()
    )


def test_report_of_what_is_to_do_names_the_next_step() -> None:
    """Once all that was begun passes, the next exercise is named with its place."""
    exercises = (REPORT.exercises[0], REPORT.exercises[4])
    report = msgspec.structs.replace(REPORT, exercises=exercises, notes=())
    assert (
        shown(report, 80).splitlines()
        == cleandoc(
            """
        ✔ 1 · Basic async                                                         passed
        · 6 · Partial failures                                                     to do

        1 of 2 exercises pass  (day53, 0.50 s, seed 7)
        Next: exercise 6, Partial failures
          exercises/day53/exercise.py:80
          grade day53 6
        """
        ).splitlines()
    )


def test_overview_has_a_line_for_each_exercise_and_the_next_step() -> None:
    out = StringIO()
    show_overview(REPORT, Console(file=out, width=60))
    assert (
        out.getvalue().splitlines()
        == cleandoc(
            """
        day53: 1 of 5 pass
          ✔ 1 · Basic async                   passed
          ✘ 2 · Concurrent operations         not yet
          ? 4 · Error handling                the grader broke
          ✘ 5 · Background tasks              not yet
          · 6 · Partial failures              to do
        Next: grade day53 2   (exercises/day53/exercise.py:41)
        """
        ).splitlines()
    )


def test_overview_of_a_finished_lesson_sends_to_the_solutions() -> None:
    out = StringIO()
    report = msgspec.structs.replace(REPORT, exercises=REPORT.exercises[:1])
    show_overview(report, Console(file=out, width=60))
    assert out.getvalue().splitlines() == [
        "day53: 1 of 1 pass",
        "  ✔ 1 · Basic async                   passed",
        "All done. Read the solutions to see another way.",
    ]


def test_long_facts_stand_below_each_other() -> None:
    """Expected and actual share a line only if they fit into it."""
    report = with_check(expected="200, " * 12 + "200", actual="500", got=None, diagnoses=())
    assert shown(report, 60).splitlines()[4:8] == [
        "      expected  200, 200, 200, 200, 200, 200, 200, 200, 200,",
        "                200, 200, 200, 200",
        "      got       500",
        "    more: grade hint day53 2",
    ]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Neither words, nor pictures, nor their legend, nor what the code printed."""
    report = with_check(
        got=msgspec.structs.replace(EVERY_KIND, output="printed " * 50),
        expected="a fact, " * 30,
        actual="another fact, " * 30,
    )
    assert max(map(len, shown(report, width).splitlines())) <= width


def test_report_is_no_wider_than_a_hundred_columns() -> None:
    assert max(map(len, shown(REPORT, 250).splitlines())) <= 100


def test_markup_in_words_and_paths_is_not_obeyed() -> None:
    """Square brackets are what they are."""
    report = msgspec.structs.replace(
        with_check(actual="[red]x[/red]", diagnoses=(Diagnosis("raised", 1, "[bold]y[/]"),)),
        file="[green]z.py",
    )
    for words in ("[red]x[/red]", "[bold]y[/]", "[green]z.py:41"):
        assert words in shown(report, 80)


@pytest.mark.parametrize("sign", ["\x1b[2J", "\x1b]0;title\x07", "\r", "\b", "\x9b2J", "\0"])
def test_terminal_obeys_nothing_that_the_code_printed(sign: str) -> None:
    """Code cannot clear the screen, and write a better verdict on it."""
    trace = msgspec.structs.replace(IN_TURN, output=f"before{sign}after")
    report = with_check(
        got=trace, actual=f"4.50{sign}", diagnoses=(Diagnosis("raised", 1, f"raises {sign}!"),)
    )
    text = shown(report, 80).replace("\n", "")
    assert "before" in text
    assert all(letter.isprintable() for letter in text)


def test_colour_is_never_needed() -> None:
    """With and without colour, the text is the same."""
    coloured = Console(width=80, record=True, file=StringIO(), force_terminal=True)
    show(REPORT, coloured)
    assert "\x1b[" in coloured.export_text(styles=True, clear=False)
    assert coloured.export_text() == shown(REPORT, 80)


# Pictures


def picture(trace: Trace, width: int) -> list[str]:
    return [text.plain.rstrip() for text in draw(timeline(trace), width)]


def test_picture_tells_every_kind_of_bar_by_its_shape() -> None:
    """Cancelled, failed, left open, blocked: each has a sign of its own, and a legend."""
    lanes = cleandoc(
        """
                            0s      1s       2s      3s      4s       5s      6s
        GET /external #1    ────────────────
          cancelled         ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒×
          failing           ████████████✘
        POST /rows #2               ────·────────·───!
          left                      ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒…
          instant                   ▎
          BLOCKED (line 12)                  ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
        """
    ).splitlines()
    drawn = picture(EVERY_KIND, 74)
    legend = " ".join(drawn[8:])
    assert drawn[:8] == lanes
    for words in ("▒× cancelled", "█✘ failed", "▒… never ended", "▓ the loop is blocked"):
        assert words in legend
    assert "· a line goes out" in legend
    assert "! the client hangs up" in legend


def test_picture_of_waits_in_threads() -> None:
    trace = finished(answered("/users", 0, 1), spans=(span("sleep", 0, 1, kind="thread", line=36),))
    assert picture(trace, 72) == [
        "                        0s       0.2s     0.4s    0.6s     0.8s     1s",
        "GET /users              ────────────────────────────────────────────",
        "  in a thread (line 36) ▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄",
        "▄ in a worker thread",
    ]


def test_picture_of_own_waits_where_nothing_was_called() -> None:
    """Without collaborators, the lanes are the learner's own waits, with their lines."""
    trace = finished(
        answered("/users", 0, 2),
        spans=(span("sleep", 0, 1.5, kind="wait", line=9), span("gather", 0, 2, kind="wait")),
    )
    assert picture(trace, 50) == [
        "                 0s            1s             2s",
        "GET /users       ─────────────────────────────",
        "  sleep (line 9) █████████████████████▊",
    ]


def test_picture_of_a_crowd_shows_the_first_ones() -> None:
    crowd = finished(*(answered("/users", 0, 1, number) for number in range(100)))
    assert picture(crowd, 40) == [
        "              0s         0.5s       1s",
        "GET /users #1 ──────────────────────",
        "GET /users #2 ──────────────────────",
        "GET /users #3 ──────────────────────",
        "… and 97 more requests",
    ]


def test_picture_of_nothing_is_empty() -> None:
    assert picture(Trace(outcome=Outcome("stuck")), 80) == []
    assert str(timeline(Trace(outcome=Outcome("stuck")))) == ""


@pytest.mark.parametrize("seconds", [0, 0.25, 1, 12.5, 59, 600])
@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_picture_of_any_length_fits(seconds: float, width: int) -> None:
    """Between three and a dozen marks or so, and no bar beyond the edge."""
    trace = finished(answered("/x", 0, seconds), spans=(span("fetch", 0, seconds),))
    drawn = picture(trace, width)
    assert len(drawn) == 3
    assert max(map(len, drawn)) <= max(width, 25)


def test_long_label_is_cut() -> None:
    drawn = picture(finished(answered("/" + "long" * 20, 0, 1)), 40)
    assert drawn[1].startswith("GET /longlon… ─")


def test_bars_count_from_the_moment_the_app_was_open() -> None:
    """A slow startup is not part of the picture."""
    trace = finished(answered("/x", 5, 6), spans=(span("fetch", 5, 6),))
    trace = msgspec.structs.replace(trace, opened=to_ticks(5))
    assert picture(trace, 60) == picture(
        finished(answered("/x", 0, 1), spans=(span("fetch", 0, 1),)), 60
    )


def test_svg_says_in_words_what_it_shows() -> None:
    """It is well-formed, escaped, and readable without seeing it."""
    root = ET.fromstring(timeline_svg(finished(answered("/<b>&", 0, 1), spans=IN_TURN.spans)))
    space = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    assert root.findtext(f"{space}title") == "Timeline of 4.5 seconds"
    assert root.findtext(f"{space}desc") == (
        "GET /<b>&: 0 to 1 s (request). fetch_user: 0 to 1 s (done). "
        "fetch_orders: 1 to 3 s (done). fetch_stats: 3 to 4.5 s (done)."
    )
    assert len(root.findall(f"{space}rect")) == 4


def test_notebook_shows_the_svg() -> None:
    assert IN_TURN._repr_html_() == timeline(IN_TURN)._repr_html_() == timeline_svg(IN_TURN)
