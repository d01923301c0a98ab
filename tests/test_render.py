"""What a learner sees: whole reports and pictures, at a fixed width."""

from __future__ import annotations

import asyncio
import importlib
import re
import xml.etree.ElementTree as ET
from inspect import cleandoc
from io import StringIO
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI
from rich.console import Console

from grader import get, play
from grader.model.report import FILE_CHECK, CheckReport, Diagnosis, ExerciseReport, Report
from grader.model.trace import (
    Chunk,
    Closing,
    Exchange,
    Moment,
    Outcome,
    SocketMessage,
    Span,
    Trace,
    to_ticks,
)
from grader.render.bars import draw
from grader.render.overview import show_overview
from grader.render.svg import timeline_svg
from grader.render.terminal import show
from grader.render.text import cut, printable
from grader.render.timeline import timeline

# Traces


def moment(seconds: float) -> Moment:
    return Moment(to_ticks(seconds), 0)


def span(name: str, start: float, end: float, how: Any = "done", **facts: Any) -> Span:
    kind, exchange = facts.pop("kind", "call"), facts.pop("exchange", 0)
    return Span(
        kind=kind,
        name=name,
        start=moment(start),
        end=moment(end),
        how=how,
        exchange=exchange,
        **facts,
    )


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

        2 · Concurrent operations                         exercises/day53/exercise.py:47
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
            more: grade explain awaited-in-turn, grade hint day53 2
          ✘ When a fetch fails, the answer is 502.

        ? 4 · Error handling                                            the grader broke
              The grader broke here; it is not your answer's fault. Please report this:
              KeyError: 'fetch'
        ✘ 5 · Background tasks                                     not yet: syntax error
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

        2 · Concurrent operations     exercises/day53/exercise.py:47
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
            more: grade explain awaited-in-turn, grade hint day53 2
          ✘ When a fetch fails, the answer is 502.


        4 · Error handling            exercises/day53/exercise.py:60
          ✘ The value is passed on.
              The grader broke here; it is not your answer's fault.
              Please report this: KeyError: 'fetch'


        5 · Background tasks           exercises/day53/exercise.py:3
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
            more: grade explain syntax-error, grade hint day53 5

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
          ✔ 1 · Basic async            passed
          ✘ 2 · Concurrent operations  not yet
          ? 4 · Error handling         the grader broke
          ✘ 5 · Background tasks       not yet
          · 6 · Partial failures       to do
        Next: grade day53 2   (exercises/day53/exercise.py:41)
        """
        ).splitlines()
    )


def test_overview_keeps_a_long_title_apart_from_its_state() -> None:
    out = StringIO()
    short = REPORT.exercises[0]
    long = msgspec.structs.replace(short, title="A task that lives as long as the app")
    show_overview(
        msgspec.structs.replace(REPORT, exercises=(short, long)), Console(file=out, width=60)
    )
    assert out.getvalue().splitlines()[1:3] == [
        "  ✔ 1 · Basic async                           passed",
        "  ✔ 1 · A task that lives as long as the app  passed",
    ]


def test_overview_says_why_no_exercise_of_a_file_can_be_graded() -> None:
    out = StringIO()
    problem = CheckReport(
        id=FILE_CHECK,
        says="The file can be imported.",
        status="failed",
        diagnoses=(Diagnosis("syntax-error", 3, "Line 3 isn't Python: [x"),),
    )
    failed = msgspec.structs.replace(REPORT.exercises[1], checks=(problem,))
    report = msgspec.structs.replace(REPORT, exercises=(failed, failed))
    show_overview(report, Console(file=out, width=60))
    assert out.getvalue().count("  Line 3 isn't Python: [x\n") == 1


def test_overview_of_a_finished_lesson_sends_to_the_solutions() -> None:
    out = StringIO()
    report = msgspec.structs.replace(REPORT, exercises=REPORT.exercises[:1])
    show_overview(report, Console(file=out, width=60))
    assert out.getvalue().splitlines() == [
        "day53: 1 of 1 pass",
        "  ✔ 1 · Basic async  passed",
        "All done. To see another way: grade solution day53 1",
    ]


def test_no_line_ends_within_a_name_that_has_a_hyphen() -> None:
    """A header or a word of the data is read, and copied, as one."""
    words = "Line 3 answers a refused client without a Retry-After."
    lines = shown(with_check(diagnoses=(Diagnosis("header-missing", 3, words),)), 54).splitlines()
    assert "    Retry-After." in [line.rstrip() for line in lines]


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


def test_a_check_that_fails_for_the_reason_that_was_told_says_so() -> None:
    """The same id at another line is another fault."""
    first = SLOW.diagnoses[0]
    elsewhere = msgspec.structs.replace(first, line=1)
    again, other = (
        msgspec.structs.replace(LATER, diagnoses=(reason,)) for reason in (first, elsewhere)
    )
    exercise = msgspec.structs.replace(REPORT.exercises[1], checks=(SLOW, again, other))
    lines = shown(msgspec.structs.replace(REPORT, exercises=(exercise,)), 80).splitlines()
    assert lines.count("  ✘ When a fetch fails, the answer is 502. (the same reason)") == 1
    assert lines.count("  ✘ When a fetch fails, the answer is 502.") == 1


def test_report_is_no_wider_than_a_hundred_columns() -> None:
    assert max(map(len, shown(REPORT, 250).splitlines())) <= 100


SIGNS_OBEYED = ["\x1b[2J", "\x1b]0;title\x07", "\b", "\x9b2J", "\u202e", "\u2028", "\u200f"]


def test_markup_in_words_and_paths_is_not_obeyed() -> None:
    """Square brackets are what they are."""
    report = msgspec.structs.replace(
        with_check(actual="[red]x[/red]", diagnoses=(Diagnosis("raised", 1, "[bold]y[/]"),)),
        file="[green]z.py",
    )
    for words in ("[red]x[/red]", "[bold]y[/]", "[green]z.py:1"):
        assert words in shown(report, 80)


SIGNS_UNSEEN = ("\xad", "\u200b", "\u2062", "\ufeff", "\U000e0041")
"""An answer that is wrong for one of them would look like the right one."""


@pytest.mark.parametrize("sign", [*SIGNS_OBEYED, *SIGNS_UNSEEN, "\r", "\0"])
def test_terminal_obeys_nothing_that_the_code_printed(sign: str) -> None:
    """Code cannot clear the screen, and write a better verdict on it."""
    trace = msgspec.structs.replace(IN_TURN, output=f"before{sign}after")
    report = with_check(
        got=trace, actual=f"4.50{sign}", diagnoses=(Diagnosis("raised", 1, f"raises {sign}!"),)
    )
    text = shown(report, 80).replace("\n", "")
    assert "before" in text
    assert all(letter.isprintable() for letter in text)


@pytest.mark.parametrize("sign", [*SIGNS_OBEYED, *SIGNS_UNSEEN])
def test_what_is_not_printable_is_written_as_python_would(sign: str) -> None:
    assert printable(f"a{sign}b") == "a" + sign.encode("unicode_escape").decode() + "b"


@pytest.mark.parametrize("line", ["::error::mine", "  ::add-mask::x", "#" + "#[error]mine"])
def test_no_line_of_a_terminal_is_a_command_of_a_workflow(line: str) -> None:
    trace = msgspec.structs.replace(IN_TURN, output=f"before\n{line}")
    text = shown(with_check(got=trace, actual=line), 80)
    assert "mine" in text or "mask" in text
    assert not re.search(r"^\s*::|##\[", text, re.MULTILINE)


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
        GET /external #1    ─────────────────░░░░░░░░░░░░░░░░
          cancelled         ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒×░░░░░░░░░░░░░░░░
          failing           ████████████✘    ░░░░░░░░░░░░░░░░
        POST /rows #2               ────·────────·───!░░░░░░░
          left                      ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒…
          instant                   ▎        ░░░░░░░░░░░░░░░░
          BLOCKED (line 12)                  ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓
        """
    ).splitlines()
    drawn = picture(EVERY_KIND, 74)
    legend = " ".join(drawn[8:])
    assert drawn[:8] == lanes
    for words in ("▒× cancelled", "█✘ failed", "▒… never ended", "▓░ the loop is blocked"):
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


def test_picture_of_a_crowd_shows_the_first_ones_and_how_many_are_under_way() -> None:
    """The other 42 share a line: 37 of them for the first second, then 5."""
    crowd = finished(*(answered("/users", n // 40, n // 40 + 1, n) for n in range(45)))
    assert picture(crowd, 56) == [
        "                   0s      0.5s    1s       1.5s    2s",
        "GET /users #1      ────────────────",
        "GET /users #2      ────────────────",
        "GET /users #3      ────────────────",
        "and 42 more like…  ████████████████▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂",
        "▂▅█ how many at once",
    ]


def test_picture_of_a_crowd_shows_every_call_and_the_shortest_answer() -> None:
    """Twelve calls, four at a time, are under way for three seconds, not for one."""
    calls = tuple(span("exists", n // 4, n // 4 + 1) for n in range(12))
    assert picture(finished(answered("/batch", 0, 3), spans=calls), 44)[1:3] == [
        "GET /batch   ───────────────────────────",
        "  exists ×12 ███████████████████████████",
    ]
    instants = finished(*(answered("/users", n, n, n) for n in range(7)))
    assert picture(instants, 43)[4] == "and 4 more li…             █   █   █   █"


def test_only_requests_that_are_alike_are_folded() -> None:
    """What was asked and how it went, but for a number in the path; and never a single one."""
    exchanges = [answered(f"/items/{n}", 0, 1, n) for n in range(20)]
    exchanges += [answered("/compute", 0, 2, 20), answered("/compute", 0, 2, 21)]
    exchanges[7] = msgspec.structs.replace(exchanges[7], status=500)
    assert [row.label for row in timeline(finished(*exchanges)).lanes] == [
        "GET /items/0 #1",
        "GET /items/1 #2",
        "and 17 more like this",
        "GET /items/7 #8",
        "GET /compute #21",
        "GET /compute #22",
    ]


def test_requests_of_too_many_kinds_are_folded_together() -> None:
    crowd = finished(*(answered(f"/{'x' * n}", 0, 1, n) for n in range(10)))
    assert [row.label for row in timeline(crowd).lanes][-2:] == [
        "GET /xxxxx #6",
        "and 4 more requests",
    ]


def test_calls_that_overlap_have_lanes_of_their_own() -> None:
    """Up to three of one name; more are folded. Calls in turn share a lane."""
    calls = (*(span("fetch", n / 2, n / 2 + 1) for n in range(4)), span("fetch", 2.5, 3))
    crowd = tuple(span("ask", 0, 1) for _ in range(20))
    rows = timeline(finished(answered("/x", 0, 3), spans=calls + crowd)).lanes
    assert [row.label for row in rows] == ["GET /x", "  fetch", "  fetch", "  ask ×20"]
    assert [len(row.bars) for row in rows] == [1, 3, 2, 20]


def test_what_is_gathered_has_a_lane_each() -> None:
    app = FastAPI()

    async def nap(seconds: float) -> None:
        await asyncio.sleep(seconds)

    @app.get("/")
    async def endpoint() -> None:
        await asyncio.gather(nap(1), nap(2), nap(3))

    naps = [row for row in timeline(play(app, get("/"))).lanes if "sleep" in row.label]
    assert [bar.end for row in naps for bar in row.bars] == [1.0, 2.0, 3.0]


def test_names_without_end_are_folded() -> None:
    calls = tuple(span(f"fetch_{n}", 0, 1) for n in range(30))
    rows = timeline(finished(answered("/x", 0, 1), spans=calls)).lanes
    assert [row.label for row in rows][-2:] == ["  fetch_7", "  and 22 more"]


def test_own_waits_are_drawn_where_nothing_is_called_meanwhile() -> None:
    """A wait for the call itself would say the same twice."""
    trace = finished(
        answered("/x", 0, 2),
        spans=(
            span("fetch", 0, 1),
            span("fetch", 0, 1, kind="wait", line=7),
            span("sleep", 1, 2, kind="wait", line=8),
        ),
    )
    assert [row.label for row in timeline(trace).lanes] == ["GET /x", "  fetch", "  sleep (line 8)"]


def test_picture_tells_when_a_response_begins_and_ends_and_what_goes_on_after_it() -> None:
    """Background work is drawn behind the last byte; a response at once has no marks."""
    exchange = msgspec.structs.replace(
        answered("/report", 0, 2), responded=moment(1), returned=moment(4)
    )
    trace = finished(exchange, answered("/plain", 0, 1, 1), spans=(span("process", 2, 4),))
    assert picture(trace, 60) == [
        "               0s        1s        2s         3s        4s",
        "GET /report #1 ──────────◦─────────┤╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌",
        "  process                          █████████████████████",
        "GET /plain #2  ──────────",
        "╌ still at work afterwards  ◦ the response begins",
        "┤ the last byte",
    ]


def test_a_websocket_has_a_lane_with_its_messages_and_its_end() -> None:
    """Messages in both directions, and the code, if it isn't the client that leaves."""
    said = [(1, "client"), (2, "server"), (3, "client")]
    socket = msgspec.structs.replace(
        answered("/ws", 0, 5),
        method="WEBSOCKET",
        messages=tuple(SocketMessage(at=moment(at), by=by, text="") for at, by in said),
        closing=Closing(at=moment(5), by="server", code=1008),
    )
    left = msgspec.structs.replace(
        answered("/ws", 0, 4, 1),
        method="WEBSOCKET",
        closing=Closing(at=moment(4), by="client", code=1000),
    )
    trace = finished(socket, left)
    assert picture(trace, 60) == [
        "                0s      1s      2s      3s      4s      5s",
        "WS /ws #1: 1008 ────────›───────‹───────›───────────────■",
        "WS /ws #2       ────────────────────────────────!",
        "› a message comes in  ‹ a message goes out",
        "■ the connection is closed  ! the client hangs up",
    ]
    drawn = timeline_svg(trace)
    assert "a message comes in" in drawn
    assert "the connection is closed" in drawn


QUERY = "  select id,\n    name from items"


def connection(number: int, *parts: Span) -> tuple[Span, ...]:
    life = span("dsn", 0, 4, kind="connection", resource=number, exchange=None)
    return (life, *(msgspec.structs.replace(part, resource=number) for part in parts))


def test_connections_to_a_database_have_lanes_with_their_statements() -> None:
    """A statement is written on its bar, in one line; the transaction is around it."""
    asked = {"kind": "statement", "arguments": (QUERY, 0)}
    spans = (
        *connection(3, span("dsn", 0, 2, **asked), span("dsn", 3, 4, "failed", **asked)),
        *connection(5, span("dsn", 1, 3, kind="transaction"), span("dsn", 1, 2, **asked)),
        *connection(8),
    )
    assert picture(finished(answered("/items", 0, 4), spans=spans), 72) == [
        "                 0s           1s           2s          3s           4s",
        "GET /items       ───────────────────────────────────────────────────",
        "dsn connection 1 █select id, name from it█▌────────────█select id,██✘",
        "dsn connection 2 ─────────────█select id,█▌════════════─────────────",
        "dsn connection 3 ───────────────────────────────────────────────────",
        "█✘ failed  ═ a transaction is open",
    ]


def test_connections_to_anything_else_have_none() -> None:
    """What goes over HTTP is drawn below the request that it was for."""
    spans = (
        *connection(1, span("api", 0, 1, kind="request", arguments=("GET /users", 200))),
        span("api", 1, 2, kind="request", arguments=("GET /orders", 200)),
    )
    rows = timeline(finished(answered("/x", 0, 2), spans=spans)).lanes
    assert [row.label for row in rows] == ["GET /x", "  GET /users", "  GET /orders"]


def test_calls_for_no_request_are_drawn_below_the_requests() -> None:
    trace = finished(answered("/x", 0, 1), spans=(span("process", 1, 2, exchange=None),))
    assert [row.label for row in timeline(trace).lanes] == ["GET /x", "process"]


def test_long_stretches_of_nothing_are_cut_out() -> None:
    """The axis says so, and goes on with the moment at which something happens again."""
    trace = finished(*(answered("/x", start, start + 1, n) for n, start in enumerate((0, 10, 31))))
    assert picture(trace, 48) == [
        "          0s         ⋯10s        ⋯31s       32s",
        "GET /x #1 ──────────",
        "GET /x #2             ──────────",
        "GET /x #3                         ──────────",
        "⋯ nothing happens",
    ]


def test_picture_of_nothing_but_moments_names_each() -> None:
    """Answers at once, long after each other: all of the time between is cut out."""
    trace = finished(*(answered("/x", 10 * n, 10 * n, n) for n in range(3)))
    assert picture(trace, 50) == [
        "          0s       ⋯        10s      ⋯        20s",
        "GET /x #1 ─",
        "GET /x #2                   ─",
        "GET /x #3                                     ─",
        "⋯ nothing happens",
    ]
    assert texts(drawn_as_svg(trace))[:3] == ["0 s", "10 s", "20 s"]


@pytest.mark.parametrize("gaps", [(0.0, 1.0), (5.0, 5.3, 5.6, 40.0), (0.0, 1e-6, 1e3, 1e3 + 1e-6)])
def test_names_of_moments_never_touch(gaps: tuple[float, ...]) -> None:
    trace = finished(*(answered("/x", at, at, n) for n, at in enumerate(gaps)))
    axis = timeline(trace).axis
    for room in (0.02, 0.1, 0.3):
        places = [axis.place(tick) for tick in axis.ticks(room * axis.size)]
        assert 0 <= places[0] <= places[-1] <= axis.size * (1 + 1e-9)
        assert all(b - a >= room * axis.size * 0.999 for a, b in pairwise(places))


def test_blocked_stretches_go_across_all_lanes() -> None:
    """Also those of the crowd; and those that touch are one."""
    blocked = tuple(span("sleep", n, n + 1, kind="blocked", line=5, exchange=n) for n in range(10))
    trace = finished(*(answered("/x", 0, n + 1, n) for n in range(10)), spans=blocked)
    [panel] = timeline(trace).panels
    assert [(bar.start, bar.end) for bar in panel.blocked] == [(0, 10)]
    assert picture(trace, 60)[1] == "GET /x #1            ────░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░"


# The learner's above the reference's

TOGETHER = finished(
    answered("/dashboard", 0, 2),
    spans=(
        span("fetch_user", 0, 1, line=99),
        span("fetch_orders", 0, 2),
        span("fetch_stats", 0, 1.5),
        span("sleep", 0, 1, kind="thread", line=99),
    ),
)


def test_reference_is_drawn_below_on_the_same_axis() -> None:
    """Its lines are not the learner's, and not told."""
    drawn = [text.plain.rstrip() for text in draw(timeline(IN_TURN, TOGETHER), 60)]
    assert drawn == [
        "               0s       1s       2s       3s       4s",
        "your answer",
        "GET /dashboard ─────────────────────────────────────────",
        "  fetch_user   █████████",
        "  fetch_orders          ██████████████████▎",
        "  fetch_stats                             ██████████████",
        "the reference",
        "GET /dashboard ──────────────────",
        "  fetch_user   █████████",
        "  fetch_orders ██████████████████▏",
        "  fetch_stats  █████████████▋",
        "  in a thread  ▄▄▄▄▄▄▄▄▄",
        "▄ in a worker thread",
    ]


@pytest.mark.parametrize(
    "reference", [None, Trace(outcome=Outcome("finished")), finished(answered("/dashboard", 0, 2))]
)
def test_reference_that_shows_nothing_new_is_not_drawn(reference: Trace | None) -> None:
    """Where there is none, it has no requests, or all that can be seen of it is the same."""
    picture = timeline(finished(answered("/dashboard", 0, 2)), reference)
    assert [panel.title for panel in picture.panels] == [""]


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


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("GET /dashboard/of/all #3", "GET /dashboard… #3"),
        ("  Connection.fetch (line 384)", "  Conn… (line 384)"),
        ("and 97 more like this", "and 97 more like…"),
        ("GET /表表表表表表表表", "GET /表表表表表表…"),
        ("×1", "×1"),
    ],
)
def test_number_at_the_end_of_a_label_stays(label: str, shown: str) -> None:
    """Of a line or a request; and wide letters count for two."""
    assert cut(label, 18) == shown


def test_bars_count_from_the_moment_the_app_was_open() -> None:
    """A slow startup is not part of the picture."""
    trace = finished(answered("/x", 5, 6), spans=(span("fetch", 5, 6),))
    trace = msgspec.structs.replace(trace, opened=to_ticks(5))
    assert picture(trace, 60) == picture(
        finished(answered("/x", 0, 1), spans=(span("fetch", 0, 1),)), 60
    )


# SVG

SPACE = "{http://www.w3.org/2000/svg}"


def drawn_as_svg(trace: Trace, reference: Trace | None = None) -> ET.Element:
    return ET.fromstring(timeline_svg(trace, reference))


def texts(root: ET.Element) -> list[str]:
    """What is written into a picture."""
    return [text.text or "" for text in root.iter(f"{SPACE}text")]


def told(root: ET.Element) -> list[str]:
    """What its shapes say when they are pointed at."""
    return [title.text or "" for title in root.findall(f".//{SPACE}g/{SPACE}title")]


def test_svg_says_in_words_what_it_shows() -> None:
    """It is well-formed, escaped, and readable without seeing it."""
    root = drawn_as_svg(finished(answered("/<b>&", 0, 1), spans=IN_TURN.spans))
    assert root.get("role") == "img"
    title, desc = root.find(f"{SPACE}title"), root.find(f"{SPACE}desc")
    assert title is not None
    assert desc is not None
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert title.text == "Timeline of 4.5 seconds"
    assert desc.text == (
        "GET /<b>&: 0 to 1 s (request). fetch_user: 0 to 1 s (done). "
        "fetch_orders: 1 to 3 s (done). fetch_stats: 3 to 4.5 s (done)."
    )


def test_svg_in_words_has_both_sides_and_no_end_of_words() -> None:
    """Crowds and long lanes are told in short."""
    calls = tuple(span("poll", n, n + 0.5) for n in range(20))
    crowd = finished(*(answered("/x", n, n + 1, n) for n in range(50)), spans=calls)
    root = drawn_as_svg(crowd, TOGETHER)
    words = root.findtext(f"{SPACE}desc") or ""
    assert words.startswith("Your answer. GET /x #1: 0 to 1 s (request).")
    assert "7 to 7.5 s (done), and 12 more." in words
    assert "and 47 more like this: between 3 and 50 s." in words
    assert "The reference. GET /dashboard:" in words


def test_svg_tells_every_kind_by_its_shape() -> None:
    """By a pattern, or a sign at the end; the legend has each that is there, and no other."""
    root = drawn_as_svg(EVERY_KIND)
    name = (root.get("aria-labelledby") or "").split("-")[-1]
    for kind in ("cancelled", "open", "blocked"):
        assert root.find(f".//{SPACE}rect[@fill='url(#{kind}-{name})']") is not None
    assert {"cancelled", "failed", "never ended", "the loop is blocked"} <= set(texts(root))
    assert {"a line goes out", "the client hangs up", "the last byte"} <= set(texts(root))
    assert "in a worker thread" not in texts(root)


def test_svg_says_what_is_pointed_at() -> None:
    """What, from when to when, how it ended, and at which line of the learner's."""
    trace = finished(answered("/x", 0, 2), spans=(span("fetch", 0.5, 1, "failed", line=7),))
    assert told(drawn_as_svg(trace)) == [
        "GET /x: 0 s to 2 s, request",
        "fetch: 0.5 s to 1 s, failed, line 7",
    ]


def test_svg_blocks_all_lanes_of_the_one_who_blocks() -> None:
    """One band, as high as the lanes of its panel."""
    blocked = span("sleep", 1, 3, kind="blocked", line=4)
    root = drawn_as_svg(finished(*IN_TURN.exchanges, spans=(*IN_TURN.spans, blocked)), IN_TURN)
    assert told(root)[0] == "the loop: 1 s to 3 s, blocked"
    [band] = root.findall(f".//{SPACE}rect[@fill-opacity='0.4']")
    assert float(band.get("height", 0)) == 100


def test_svg_writes_statements_on_their_bars_as_far_as_there_is_room() -> None:
    asked = {"kind": "statement", "arguments": (QUERY, 0)}
    spans = connection(1, span("dsn", 0, 3.9, **asked), span("dsn", 3.9, 4, **asked))
    root = drawn_as_svg(finished(answered("/items", 0, 4), spans=spans))
    assert texts(root).count("select id, name from items") == 1
    assert told(root)[-1] == "select id, name from items: 3.9 s to 4 s, done"


def test_svg_cuts_long_names_and_still_says_them() -> None:
    path = "/" + "long" * 20
    root = drawn_as_svg(finished(answered(path, 0, 1)))
    [label] = [text for text in texts(root) if text.startswith("GET")]
    assert len(label) == 30
    assert label.endswith("…")
    assert f"GET {path}" in [title.text for title in root.iter(f"{SPACE}title")]


@pytest.mark.parametrize("sign", ["\0", "\x1b", "\ud800", "\uffff", "\u202e", "<", '"', "]]>"])
def test_svg_is_well_formed_whatever_the_code_is_called(sign: str) -> None:
    trace = finished(answered(f"/{sign}", 0, 1), spans=(span(f"f{sign}", 0, 1),))
    assert len(told(drawn_as_svg(trace))) == 2
    assert timeline_svg(trace).encode()


def test_svgs_on_one_page_do_not_use_each_others_patterns() -> None:
    """The names are those of the content, so the same picture is the same text."""
    names = [set(re.findall(r'id="([^"]+)"', timeline_svg(t))) for t in (IN_TURN, EVERY_KIND)]
    assert not names[0] & names[1]
    assert timeline_svg(IN_TURN) == timeline_svg(IN_TURN)


def test_svg_as_a_file_of_its_own_follows_the_readers_scheme() -> None:
    """In a page it has the page's colours: the rule is for the root of a document alone."""
    style = drawn_as_svg(IN_TURN).findtext(f"{SPACE}style") or ""
    assert "prefers-color-scheme:dark" in style
    assert all(rule.startswith("svg:root") for rule in re.findall(r"[\w:]+(?={[^{}]*})", style))


def test_svg_of_a_crowd_is_small() -> None:
    """A thousand requests, of ten spans each, are drawn as thin lines."""
    spans = tuple(span("fetch", n, n + 1, exchange=k) for k in range(1000) for n in range(10))
    crowd = finished(*(answered("/x", 0, 10, number) for number in range(1000)), spans=spans)
    assert len(timeline_svg(crowd)) < 300_000
    assert float(drawn_as_svg(crowd).get("height", 0)) < 400


def test_notebook_shows_the_svg() -> None:
    importlib.import_module("grader.testing.play")
    assert IN_TURN._repr_html_() == timeline(IN_TURN)._repr_html_() == timeline_svg(IN_TURN)
