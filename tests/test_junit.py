"""The report as JUnit XML, as editors and servers read it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from contextlib import nullcontext
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from test_render import IN_TURN, REPORT, SLOW

from grader.commands.group import main
from grader.judge.grading import Grading
from grader.model.report import Diagnosis, Report
from grader.render.junit import to_junit

MISTAKE = Path(__file__).parent / "mistakes" / "day53" / "2_awaited_in_turn.py"

COUNTS = {"tests", "failures", "errors"}
ALLOWED = {
    "testsuites": ({"testsuite"}, {"name", "time", *COUNTS}),
    "testsuite": (
        {"testcase", "properties", "system-out", "system-err"},
        {"name", "time", "skipped", "timestamp", "hostname", "id", "package", "file", *COUNTS},
    ),
    "testcase": (
        {"skipped", "error", "failure", "system-out", "system-err"},
        {"name", "classname", "time", "group", "file", "line"},
    ),
    **dict.fromkeys(("failure", "error", "skipped"), (set[str](), {"type", "message"})),
    "system-out": (set[str](), set[str]()),
}
"""Which elements and attributes junit-10.xsd knows in each element, and `file` and `line`."""


def read(*reports: Report) -> ET.Element:
    return ET.fromstring(to_junit(reports))


def case_of(root: ET.Element, name: str) -> ET.Element:
    return next(case for case in root.iter("testcase") if case.get("name") == name)


def test_document_keeps_to_the_schema() -> None:
    """Elements, attributes, and what each must have; the sums are right."""
    root = read(REPORT, REPORT)
    for element in root.iter():
        inside, attributes = ALLOWED[element.tag]
        assert {child.tag for child in element} <= inside
        assert set(element.attrib) <= attributes
    for suite in root:
        assert COUNTS | {"name"} <= set(suite.attrib)
        assert int(suite.get("tests", 0)) == len(suite.findall("testcase"))
    for count in COUNTS:
        assert int(root.get(count, 0)) == sum(int(suite.get(count, 0)) for suite in root)
    assert root.get("time") == "1.000"


def test_exercise_is_a_suite_and_check_a_case() -> None:
    root = read(REPORT)
    assert [
        (suite.get("name"), *(suite.get(n) for n in ("tests", "failures", "errors", "skipped")))
        for suite in root
    ] == [
        ("day53 1 · Basic async", "1", "0", "0", "0"),
        ("day53 2 · Concurrent operations", "3", "2", "0", "0"),
        ("day53 4 · Error handling", "1", "0", "1", "0"),
        ("day53 5 · Background tasks", "1", "1", "0", "0"),
        ("day53 6 · Partial failures", "1", "0", "0", "1"),
    ]
    assert [case.get("classname") for case in root[1]] == ["day53.exercise_2"] * 3


def test_failure_says_what_is_wrong_and_an_editor_finds_the_line() -> None:
    case = case_of(read(REPORT), SLOW.says)
    assert (case.get("file"), case.get("line")) == (REPORT.file, "47")
    failure = case.find("failure")
    assert failure is not None
    assert failure.attrib == {
        "message": "expected 2.00 s, got 4.50 s",
        "type": "awaited-in-turn, wrong-time",
    }
    assert failure.text == (
        "exercises/day53/exercise.py:47: Lines 47, 48 and 49 wait for each fetch in its turn.\n"
        "more: grade explain awaited-in-turn\n\n"
        "A second reason.\nmore: grade explain wrong-time"
    )


def test_check_without_a_line_is_placed_at_its_exercise() -> None:
    case = case_of(read(REPORT), "When a fetch fails, the answer is 502.")
    assert case.get("line") == "41"


def test_to_do_is_skipped_and_broken_is_an_error() -> None:
    root = read(REPORT)
    skipped = case_of(root, "Partial failures").find("skipped")
    error = case_of(root, "The value is passed on.").find("error")
    assert skipped is not None
    assert skipped.get("message") == "to do"
    assert error is not None
    assert error.text == "KeyError: 'fetch'"


@pytest.mark.parametrize("sign", ["\0", "\x1b[2J", "\ud800", "\uffff", "]]>", "<", '"', "\r\n"])
def test_what_xml_does_not_know_is_left_out(sign: str) -> None:
    """From what the code printed, from words, and from the name of the file."""
    check = msgspec.structs.replace(
        SLOW,
        got=msgspec.structs.replace(IN_TURN, output=f"before{sign}after"),
        actual=sign,
        diagnoses=(Diagnosis(f"x{sign}", 1, f"raises {sign}!"),),
    )
    exercise = msgspec.structs.replace(REPORT.exercises[1], checks=(check,), title=sign)
    report = msgspec.structs.replace(REPORT, exercises=(exercise,), file=f"{sign}.py")
    document = to_junit([report])
    printed = ET.fromstring(document).findtext(".//system-out") or ""
    assert printed.startswith("before")
    assert printed.endswith("after")
    assert document.encode()


def test_command_prints_one_document(grading: Grading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.judge.grading.Grading", lambda: nullcontext(grading))
    monkeypatch.chdir(MISTAKE.parent)
    run = ["day53", "2", "--file", MISTAKE.name, "--format", "junit"]
    result = CliRunner().invoke(main, run)
    assert result.exit_code == 1
    assert result.stdout.startswith('<?xml version="1.0" encoding="utf-8"?>\n<testsuites ')
    [suite] = ET.fromstring(result.stdout)
    assert suite.get("file") == MISTAKE.name
    assert int(suite.get("failures", 0)) > 0
