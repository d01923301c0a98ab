"""What a workflow of GitHub Actions is told: messages at lines, and a summary."""

from __future__ import annotations

import re

from grader.model.report import CheckReport, Diagnosis, ExerciseReport, ExerciseStatus, Report
from grader.render.github import MOST_SUMMARY, to_github, to_summary


def report(
    text: str = "Wait.", status: ExerciseStatus = "failed", title: str = "Naps", file: str = "a.py"
) -> Report:
    check = CheckReport(
        id="x", says="It waits.", status="failed", diagnoses=(Diagnosis("in-turn", 7, text),)
    )
    checks = (check,) if status == "failed" else ()
    exercise = ExerciseReport(number=2, title=title, status=status, line=3, checks=checks)
    return Report(lesson="day", file=file, seed=1, seconds=0.1, exercises=(exercise,))


def test_message_stands_at_the_line_of_the_reason() -> None:
    assert to_github([report()]) == (
        "::error file=a.py,line=7,title=day 2 · Naps::It waits.%0AWait. (grade explain in-turn)\n"
    )


def test_exercise_to_do_is_no_error_and_one_that_passed_no_message() -> None:
    assert to_github([report(status="todo")]).startswith("::notice file=a.py,line=3,")
    assert to_github([report(status="passed")]) == ""


def test_what_code_says_ends_no_message_and_begins_none() -> None:
    """Nothing that a learner prints or raises can speak to the runner."""
    hostile = "100%\r\n::error::mine\x1b[2J\n##[error]x"
    told = to_github([report(hostile, title="a,b::c", file="x,y:z.py")])
    assert told.count("\n") == 1
    assert "\x1b" not in told
    assert told.startswith("::error file=x%2Cy%3Az.py,line=7,title=day 2 · a%2Cb%3A%3Ac::")
    assert "100%25%0A%3A" in told or "100%25%0A::error::mine" in told


def test_summary_has_each_exercise_and_the_verdict() -> None:
    text = to_summary([report()])
    assert text.startswith("## day: 0 of 1 exercises pass\n")
    assert "| ✘ | 2 · Naps | not yet |" in text
    assert "It waits." in text


def test_summary_holds_no_markup_of_others() -> None:
    text = to_summary([report("```\n\n</pre><script>x</script>|", title="a|b<i>")])
    assert "<script>" not in text
    assert "<i>" not in text
    assert "a&#124;b&lt;i&gt;" in text
    [verdict] = re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL)
    assert "\n\n" not in verdict  # it would end the block, and begin Markdown again


def test_summary_is_not_longer_than_github_takes() -> None:
    assert len(to_summary([report("word " * 500_000)])) < MOST_SUMMARY + 100
