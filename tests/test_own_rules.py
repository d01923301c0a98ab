"""Rules that a lesson brings in a file beside its checks. It takes 8 s of CPU time."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import SOLUTION, change, run_grade, write_course

RULES = '''"""The rules of the toy lesson."""

from grader.checks import Case, Finding, at_line, elapsed, rule


@rule("too-much-sleep", "elapsed")
def too_much_sleep(case: Case) -> Finding | None:
    """A nap takes longer than it has to.

    The others wait for you.

    Instead: set an alarm.
    """
    pairs = zip(elapsed(case.got), elapsed(case.expected))
    if not any(ours > theirs for ours, theirs in pairs):
        return None
    line = case.got.exchanges[0].line
    return Finding(line, f"{at_line(line)} oversleeps.")
'''
TOLD = 'exercise = 1\nstatus = "failed"\ndiagnoses = ["too-much-sleep"]\nwhy = "Two seconds."\n'


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course whose lesson has a rule, and an answer in the bank that it is for."""
    write_course(tmp_path)
    (tmp_path / "checks/rules_toy.py").write_text(RULES, "utf-8")
    bank = tmp_path / "tests/mistakes/toy"
    bank.mkdir(parents=True)
    text = SOLUTION.replace("SECONDS = 1", "SECONDS = 2")
    (bank / "1_too_long.py").write_text(text, "utf-8")
    (bank / "1_too_long.toml").write_text(TOLD, "utf-8")
    return tmp_path


def test_own_rule_speaks_first_and_is_explained(course: Path) -> None:
    done = run_grade(course, "toy", 1, "--file", "tests/mistakes/toy/1_too_long.py")
    assert (done.returncode, "Line 14 oversleeps." in done.stdout) == (1, True)
    explained = run_grade(course, "explain", "too-much-sleep").stdout
    assert explained.splitlines() == [
        "too-much-sleep",
        "A nap takes longer than it has to.",
        "",
        "The others wait for you.",
        "",
        "Instead: set an alarm.",
    ]
    assert "too-much-sleep " in run_grade(course, "explain").stdout
    assert run_grade(course, "dev", "check", "toy", 1).stdout == "Nothing is wrong.\n"


def test_rule_that_gives_something_else_is_told_to_the_author(course: Path) -> None:
    change(course / "checks/rules_toy.py", "return Finding(", "return 'no' or Finding(")
    said = run_grade(course, "dev", "check", "toy", 1).stdout
    line = (course / "checks/rules_toy.py").read_text("utf-8").split("@rule(")[0].count("\n") + 1
    assert f"checks/rules_toy.py:{line}: raises TypeError: the rule too-much-sleep gives" in said
    assert "gives 'no', neither a Finding nor None" in said


def test_rule_that_raises_is_told_to_the_author_and_not_to_the_learner(course: Path) -> None:
    change(course / "checks/rules_toy.py", "    line = case", "    line = 1 / 0 or case")
    done = run_grade(course, "toy", 1, "--file", "tests/mistakes/toy/1_too_long.py")
    assert (done.returncode, done.stderr) == (1, "")
    assert "ZeroDivisionError" not in done.stdout
    assert "report this" not in done.stdout
    said = run_grade(course, "dev", "check", "toy", 1).stdout
    assert "checks/rules_toy.py:17: raises ZeroDivisionError: division by zero" in said
    assert "1_too_long.toml:3: the first reason is wrong-time" in said


def test_rules_are_looked_at(course: Path) -> None:
    change(course / "checks/rules_toy.py", "Instead: s", "S")
    change(course / "checks/rules_toy.py", '"elapsed")', '"lateness")')
    change(course / "tests/mistakes/toy/1_too_long.toml", "too-much-sleep", "race")
    places = run_grade(course, "dev", "check", "toy", 1).stdout.splitlines()
    assert [line for line in places if line[0] == "c"] == [
        "checks/rules_toy.py:6: no answer of the bank gets too-much-sleep",
        "checks/rules_toy.py:6: the docstring of too-much-sleep doesn't explain it",
        "checks/rules_toy.py:6: too-much-sleep looks at 'lateness', and no aspect does",
    ]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("import Case", "import Case, nothing", "3: raises ImportError"),
        ("-> Finding | None:", "-> Finding | None", "7: this isn't Python: expected ':'"),
    ],
)
def test_rules_that_cannot_be_imported_are_found_at_their_line(
    course: Path, old: str, new: str, place: str
) -> None:
    change(course / "checks/rules_toy.py", old, new)
    said = run_grade(course, "dev", "check", "toy", 1).stdout
    assert said.startswith(f"checks/rules_toy.py:{place}")
    done = run_grade(course, "toy", 1, "--file", "tests/mistakes/toy/1_too_long.py")
    assert (done.returncode, done.stderr) == (1, "")
