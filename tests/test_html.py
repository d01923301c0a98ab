"""The report as a page: what it holds, that it harms nobody, and how it is written."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import nullcontext
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from test_render import BROKEN, IN_TURN, PASSED, REPORT, SLOW, TOGETHER, finished

from grader.commands.group import main
from grader.course import catalog
from grader.course.hints import ladder
from grader.judge.grading import Grading
from grader.model.report import CheckReport, Diagnosis, ExerciseReport, ExerciseStatus, Report
from grader.render.page import PageContext, to_page

ROOT = Path(__file__).parents[1]
DAY53 = catalog.lesson("day53")
MISTAKE = ROOT / "tests" / "mistakes" / "day53" / "2_awaited_in_turn.py"

HINTS = {
    2: (
        "Ask *who* waits.",
        "Read [Concurrent operations](../../lessons/day53.md#concurrent-operations)"
        " and [nothing](../../lessons/day53.md#nowhere).",
    ),
    6: ("See [the manual](https://docs.python.org/3/).",),
}
LESSON = """# Day 53

## Why async?

Because.

## Concurrent operations

Start them, as in [a failure](#when-one-of-them-fails) or [why](#why-async).

```python
## no heading
gather()
```

### When one of them fails

| a | b |
|---|---|
| 1 | 2 |
"""
SOURCE = "\n".join(f"line_{number} = '<{number}>'" for number in range(1, 50))
BESIDE = PageContext(title="FastAPI async/await", source=SOURCE, hints=HINTS, lesson=LESSON)

VOID = ("meta", "br", "hr")


class Page(HTMLParser):
    """A page that was read: every start has its end, or it is refused."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(report: Report = REPORT, beside: PageContext = BESIDE) -> tuple[str, Page]:
    html = to_page([(report, beside)])
    return html, Page(html)


def with_checks(*checks: CheckReport, status: ExerciseStatus = "failed") -> Report:
    """A report on exercise 2 with these checks."""
    exercise = msgspec.structs.replace(REPORT.exercises[1], checks=checks, status=status)
    return msgspec.structs.replace(REPORT, exercises=(exercise,), notes=())


# What it holds


def test_page_says_how_far_one_is_and_leads_to_each_exercise() -> None:
    html, page = page_of()
    assert "FastAPI async/await" in page.text
    assert "1 of 5 exercises pass" in page.text
    assert "The file changed while it was graded." in page.text
    assert "<title>day53: 1 of 5 exercises pass</title>" in html
    entries = [link["href"] for link in page.all("a") if "exercise" in str(link["href"])]
    assert entries == [f"#day53-exercise-{number}" for number in (1, 2, 4, 5, 6)]


def test_every_link_within_the_page_leads_somewhere() -> None:
    _, page = page_of()
    places = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    targets = [str(link["href"]) for link in page.all("a")]
    inside = {target[1:] for target in targets if target.startswith("#")}
    assert inside
    assert inside <= places


def test_failed_check_is_explained() -> None:
    """Expected and actual, and both pictures on one axis."""
    check = msgspec.structs.replace(SLOW, reference=TOGETHER)
    _, page = page_of(with_checks(check))
    for words in ("2.00 s", "4.50 s", "Lines 47, 48 and 49 wait", "A second reason."):
        assert words in page.text
    assert "your answer" in page.text
    assert "the reference" in page.text
    assert len(page.all("svg")) == 1


def test_line_of_a_diagnosis_is_shown_among_its_neighbours() -> None:
    """With its number, and marked; once, if several diagnoses are about it."""
    twice = (Diagnosis("a", 20, "One."), Diagnosis("b", 20, "Two."), Diagnosis("c", None, "Three."))
    html, page = page_of(with_checks(msgspec.structs.replace(SLOW, diagnoses=twice)))
    assert re.findall(r'class="number">(\d+)<', html) == ["18", "19", "20", "21", "22"]
    assert len(page.all("mark")) == 1
    assert "20line_20 = '<20>'" in page.text


@pytest.mark.parametrize("line", [0, 50, 10**9])
def test_line_that_is_not_there_is_not_shown(line: int) -> None:
    """As after the file has become shorter."""
    diagnosis = Diagnosis("a", line, "One.")
    html, _ = page_of(with_checks(msgspec.structs.replace(SLOW, diagnoses=(diagnosis,))))
    assert 'class="number"' not in html


def test_lines_are_counted_as_python_counts_them() -> None:
    """A form feed, or a separator in a string, begins no line."""
    beside = msgspec.structs.replace(BESIDE, source="a\x0c\r\nb\u2028\rc\nd")
    check = msgspec.structs.replace(SLOW, diagnoses=(Diagnosis("a", 3, "Here."),))
    html, _ = page_of(with_checks(check), beside)
    assert '<mark class="line"><span class="number">3</span>c</mark>' in html


def test_code_in_a_diagnosis_is_code() -> None:
    text = "Here `await` is missing:\n  fetch()\n  ^^^^^"
    check = msgspec.structs.replace(SLOW, diagnoses=(Diagnosis("a", None, text),))
    html, _ = page_of(with_checks(check))
    assert "<p>Here <code>await</code> is missing:</p>" in html
    assert "<pre>  fetch()\n  ^^^^^</pre>" in html


def test_same_picture_is_drawn_once() -> None:
    _, page = page_of(with_checks(msgspec.structs.replace(SLOW, reference=IN_TURN)))
    assert "The reference's timeline is the same." in page.text
    assert "your answer" not in page.text


def test_first_failure_is_open_and_the_others_are_folded() -> None:
    _, page = page_of(with_checks(PASSED, SLOW, msgspec.structs.replace(SLOW, id="again")))
    folds = [fold for fold in page.all("details") if "class" not in fold]
    assert ["open" in fold for fold in folds] == [True, False]


def test_what_the_code_printed_is_folded_and_bounded() -> None:
    got = finished(output="\n".join(f"printed {n}" for n in range(300)))
    _, page = page_of(with_checks(msgspec.structs.replace(SLOW, got=got)))
    assert "Your code printed" in page.text
    assert "printed 199\n… and 100 more lines" in page.text
    assert "printed 200" not in page.text


def test_grader_that_broke_owns_it() -> None:
    _, page = page_of(with_checks(BROKEN, status="broken"))
    assert "it is not your answer's fault" in page.text
    assert "KeyError: 'fetch'" in page.text
    assert "Hint" not in page.text


def test_hints_are_folded_and_rendered() -> None:
    """Those of exercises that are not done: a step each, none of them open."""
    html, page = page_of()
    assert "<p>Ask <em>who</em> waits.</p>" in html
    assert re.findall(r"Hint \d of \d", page.text) == ["Hint 1 of 2", "Hint 2 of 2", "Hint 1 of 1"]
    assert not any("open" in fold for fold in page.all("details") if fold.get("class") == "fold")
    done = msgspec.structs.replace(REPORT.exercises[1], status="passed", checks=(PASSED,))
    _, page = page_of(msgspec.structs.replace(REPORT, exercises=(done,)))
    assert "Hint" not in page.text


def test_section_that_a_hint_points_at_is_in_the_page() -> None:
    """With all below it; a link to what is not there is only its words."""
    html, page = page_of()
    assert '<a href="#day53-concurrent-operations">Concurrent operations</a>' in html
    assert '<div id="day53-concurrent-operations">' in html
    assert '<h3 id="day53-when-one-of-them-fails">' in html
    assert '<a href="#day53-when-one-of-them-fails">a failure</a> or why.' in html
    assert '<a href="https://docs.python.org/3/">the manual</a>' in html
    assert "and nothing." in page.text
    assert "## no heading\ngather()" in page.text
    assert "<td>1</td>" in html
    assert "Because." not in page.text


def test_several_lessons_share_a_page() -> None:
    other = msgspec.structs.replace(REPORT, lesson="day54")
    html = to_page([(REPORT, BESIDE), (other, BESIDE)])
    places = [str(a["id"]) for _, a in Page(html).elements if "exercise" in str(a.get("id"))]
    assert len(places) == len(set(places)) == 10
    assert "day53: 1 of 5 exercises pass, day54: 1 of 5 exercises pass" in html


# That it harms nobody

HOSTILE = (
    "</style></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\0\x1b[2J\u202e"
)


def hostile_report() -> Report:
    """A report in which all that could be a learner's is an attack."""
    trace = finished(
        *(msgspec.structs.replace(e, path=HOSTILE) for e in IN_TURN.exchanges),
        spans=tuple(msgspec.structs.replace(span, name=HOSTILE) for span in IN_TURN.spans),
        output=HOSTILE,
    )
    check = CheckReport(
        id="x",
        says="It holds.",
        status="failed",
        expected=HOSTILE,
        actual=f"{HOSTILE}!",
        diagnoses=(Diagnosis("x", 1, f"{HOSTILE} `{HOSTILE}`\n  {HOSTILE}"),),
        got=trace,
        reference=TOGETHER,
    )
    broken = msgspec.structs.replace(BROKEN, problem=HOSTILE)
    exercises = (
        ExerciseReport(number=2, title="One", status="failed", line=1, checks=(check, broken)),
    )
    return msgspec.structs.replace(REPORT, exercises=exercises, notes=(HOSTILE,), file=HOSTILE)


def test_nothing_of_the_learners_is_obeyed() -> None:
    """Neither as a tag, nor as an attribute, nor as a control character."""
    html, page = page_of(hostile_report(), msgspec.structs.replace(BESIDE, source=HOSTILE))
    assert not page.all("script")
    assert not page.all("img")
    assert not any(name.startswith("on") for _, found in page.elements for name in found)
    assert page.text.count("<script>alert(1)</script>") > 10
    assert all(letter.isprintable() or letter == "\n" for letter in html)


def test_page_loads_nothing() -> None:
    """No address is in it but in links, and its policy forbids the browser to fetch or run."""
    html, page = page_of()
    assert not page.all("script")
    assert not page.all("link")
    assert not any("src" in attributes for _, attributes in page.elements)
    assert set(re.findall(r"url\(([^)]*)\)", html)) == {
        f"#{name}" for name in re.findall(r"url\(#([^)]*)\)", html)
    }
    assert "@import" not in html
    [policy] = [str(meta["content"]) for meta in page.all("meta") if "http-equiv" in meta]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


# How it is written

Grade = Callable[..., Result]


@pytest.fixture
def grade(grading: Grading, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Grade:
    """`grade day53 2` on a mistake, in an empty folder."""
    monkeypatch.setattr("grader.judge.grading.Grading", lambda: nullcontext(grading))
    monkeypatch.setattr(catalog, "carried_root", lambda: ROOT)
    monkeypatch.chdir(tmp_path)

    def grade(*words: object) -> Result:
        run = ["day53", "2", "--file", str(MISTAKE), *map(str, words)]
        return CliRunner().invoke(main, run, prog_name="grade")

    return grade


def test_page_is_written_beside_the_usual_output(grade: Grade, tmp_path: Path) -> None:
    """With the learner's source, and the lesson's own hints; nothing else is left there."""
    result = grade("--html", "report.html", "--hints")
    assert result.exit_code == 1
    assert "0 of 1 exercises pass" in result.output
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    page = Page((tmp_path / "report.html").read_text("utf-8"))
    assert "user = await fetch_user()" in page.text
    assert ladder(DAY53, DAY53.exercise(2))[0].splitlines()[0] in page.text
    assert "the reference" in page.text


def test_json_with_a_page_is_still_json(grade: Grade, tmp_path: Path) -> None:
    result = grade("--html", "report.html", "--format", "json")
    assert msgspec.json.decode(result.stdout)["lesson"] == "day53"
    assert (tmp_path / "report.html").is_file()


def test_page_replaces_an_older_one_where_a_link_leads(grade: Grade, tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "old.html").write_text("old")
    (tmp_path / "report.html").symlink_to("pages/old.html")
    grade("--html", "report.html")
    assert (tmp_path / "report.html").is_symlink()
    assert "4.50 s" in (tmp_path / "pages" / "old.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("nowhere/report.html", "nowhere/report.html cannot be written: No such file"),
        ("folder.html", "folder.html isn't a file"),
        ("full.html", "full.html isn't a file"),
        ("exercise.py", "exercise.py does not end in .html"),
        ("2", "2 does not end in .html"),
        (f"{'x' * 300}.html", "cannot be written: File name too long"),
    ],
)
def test_place_that_cannot_be_written_is_wrong_usage_before_anything_is_graded(
    grade: Grade, grading: Grading, monkeypatch: pytest.MonkeyPatch, path: str, problem: str
) -> None:
    monkeypatch.setattr(grading, "grade", lambda *_, **__: pytest.fail("it was graded"))
    Path("folder.html").mkdir()
    Path("full.html").symlink_to("/dev/full")
    before = sorted(os.listdir())
    result = grade("--html", path)
    assert result.exit_code == 2
    assert problem in result.output
    assert sorted(os.listdir()) == before


def test_older_page_stays_if_grading_fails(
    grade: Grade, grading: Grading, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(grading, "grade", fail)
    Path("report.html").write_text("old")
    assert grade("--html", "report.html").exit_code == 3
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]
