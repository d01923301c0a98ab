"""The guides: every program in them prints what stands below it, and the first steps work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grader.authoring.markdown import blocks_of
from grader.authoring.programs import ShownProgram, lesson_programs, run

DOCS = Path(__file__).parents[1] / "docs"
GUIDE = DOCS / "play.md"
AUTHORS = DOCS / "authoring.md"
SHOWN = re.compile("<!-- a failing test shows -->\n```text\n(.+?\n)```", re.DOTALL)
PROGRAMS = [
    p for file in sorted(DOCS.glob("*.md")) if file != AUTHORS for p in lesson_programs(file)
]


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_program_prints_what_stands_below_it(program: ShownProgram) -> None:
    assert run(program.source, str(program)) == program.prints


def test_first_steps_lead_to_a_failing_test_with_a_picture_and_then_to_a_passing_one(
    pytester: pytest.Pytester,
) -> None:
    first = next(
        block for block in blocks_of(GUIDE.read_text("utf-8")) if block.language == "python"
    )
    pytester._monkeypatch.setenv("PYTHONPATH", str(DOCS.parent))
    file = pytester.makepyfile(test_dashboard=first.text)
    pytester._monkeypatch.setenv("COLUMNS", "80")
    failed = pytester.runpytest_subprocess()
    failed.assert_outcomes(failed=1)
    failed.stdout.re_match_lines_random([".*3.0 == 2.0.*"])
    (shown,) = SHOWN.findall(GUIDE.read_text("utf-8"))
    assert shown in failed.stdout.str()
    in_turn = '{"user": await fetch_user(), "orders": await fetch_orders()}'
    assert in_turn in first.text
    together = 'dict(zip(("user", "orders"), await asyncio.gather(fetch_user(), fetch_orders())))'
    file.write_text(file.read_text("utf-8").replace(in_turn, together), "utf-8")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
