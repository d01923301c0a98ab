"""The report as JUnit XML, for editors and for servers that run tests.

It has the elements of the schema that Jenkins and pytest hold to (junit-10.xsd). A test case
also has `file` and `line`, as in pytest's older form: that is what editors jump to.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from ..model.report import CheckReport, ExerciseReport, Report
from .text import uncommanded


def to_junit(reports: Sequence[Report]) -> str:
    """An XML document with a test suite for each exercise and a test case for each check."""
    suites = [_suite(report, exercise) for report in reports for exercise in report.exercises]
    root = ET.Element("testsuites", name="grade", time=f"{sum(r.seconds for r in reports):.3f}")
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    root.extend(suites)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, "unicode")}\n'


def _suite(report: Report, exercise: ExerciseReport) -> ET.Element:
    cases = [_case(report, exercise, check) for check in exercise.checks] or [
        _case_without_checks(report, exercise)
    ]
    name = uncommanded(f"{report.lesson} {exercise.number} · {exercise.title}")
    suite = ET.Element("testsuite", name=name, tests=str(len(cases)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("file", uncommanded(report.file))
    suite.extend(cases)
    return suite


def _case(report: Report, exercise: ExerciseReport, check: CheckReport) -> ET.Element:
    case = _bare_case(report, exercise, check.says, check.line or exercise.line)
    if check.status == "failed":
        ids = ", ".join(diagnosis.id for diagnosis in check.diagnoses)
        _add(case, "failure", _difference(check), ids, _explanation(report, check))
    elif check.status == "broken":
        _add(case, "error", "the grader broke", "grader-broke", check.problem)
    if check.got is not None and check.got.output.strip():
        ET.SubElement(case, "system-out").text = uncommanded(check.got.output)
    return case


def _case_without_checks(report: Report, exercise: ExerciseReport) -> ET.Element:
    case = _bare_case(report, exercise, exercise.title, exercise.line)
    if exercise.status == "todo":
        _add(case, "skipped", "to do", "todo", "")
    return case


def _bare_case(report: Report, exercise: ExerciseReport, name: str, line: int | None) -> ET.Element:
    place = f"{report.lesson}.exercise_{exercise.number}"
    case = ET.Element("testcase", classname=uncommanded(place), name=uncommanded(name))
    case.set("file", uncommanded(report.file))
    if line:
        case.set("line", str(line))
    return case


def _difference(check: CheckReport) -> str:
    if check.expected != check.actual:
        return f"expected {check.expected}, got {check.actual}"
    return check.diagnoses[0].text if check.diagnoses else check.says


def _explanation(report: Report, check: CheckReport) -> str:
    """Each diagnosis, after the place that it is about, as compilers put it."""
    return "\n\n".join(
        (f"{report.file}:{d.line}: {d.text}" if d.line else d.text) + f"\nmore: {d.explained_by}"
        for d in check.diagnoses
    )


def _add(case: ET.Element, tag: str, message: str, kind: str, text: str) -> None:
    element = ET.SubElement(case, tag, message=uncommanded(message), type=uncommanded(kind))
    element.text = uncommanded(text)
