"""A class is graded, its results are kept, and given to other programs. Takes 20 s.

The class works on the toy lesson, in a course of its own.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from class_of import naps, write_files
from toy import ENTRY, ROOT, environment, run_grade, write_course, write_toy

from grader.authoring.markdown import blocks_of
from grader.classroom.desk import LocalDesk
from grader.classroom.gradebook import file_names
from grader.classroom.overview import ClassOverview
from grader.classroom.points import ClassRules
from grader.classroom.running import Done, SameWork
from grader.classroom.session import ClassSession
from grader.classroom.store import Store
from grader.classroom.versions import course_version
from grader.classroom.work import Student, Work
from grader.course.catalog import COURSE, lesson, read_course
from grader.judge.grading import Grading
from grader.model.errors import GraderError, InputError
from grader.model.report import Report

RULES = """
[class]
late_per_day = 0.25
late_at_most = 0.5

[class.lessons.toy]
deadline = 2026-11-02T12:00:00+00:00
points = { 2 = 3 }
"""
LIST = """id,name,submitted
anna,Anna Ek,2026-11-02T11:00:00+00:00
bo,Bo Li,2026-11-02T13:00:00+00:00
cy,Cy Oh,2026-11-12T13:00:00+00:00
eve,=Eve,
gone,Gone,
"""
HAND_INS = {
    "anna.py": naps(),
    "bo/exercise.py": naps().replace("\n\n\n", "\n\n\n\n"),
    "cy.py": naps(),
    "di.py": naps(2, "return await sleep() + 1"),
    "eve.zip": b"broken",
    "fay.py": "import os\nos._exit(3)\n",
}

ENDLESS = """
def exercise_1():
    while True:
        "abc".isalpha()
"""


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A course whose class has been graded, and what was said."""
    folder = tmp_path_factory.mktemp("class")
    (folder / "course.toml").write_text(ENTRY + RULES, "utf-8")
    write_toy(folder)
    (folder / "names.csv").write_text(LIST, "utf-8")
    write_files(folder / "in", HAND_INS)
    done = run_grade(
        folder,
        *["class", "in", "--lesson", "toy", "--names", "names.csv", "--seed", "7", "-j", "2"],
    )
    assert done.returncode == 1, done.stderr
    return folder, done.stdout


def export(folder: Path, *words: object) -> str:
    done = run_grade(folder, "class", "export", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def rows(folder: Path, form: str) -> dict[str, dict[str, str]]:
    """An exported table by the first column."""
    table = csv.DictReader(io.StringIO(export(folder, form)))
    return {next(iter(row.values())): row for row in table}


def test_class_is_graded(graded: tuple[Path, str]) -> None:
    """A file that ends its process costs nobody else anything, and what is broken is named."""
    folder, said = graded
    assert "toy: 5 students" in said
    assert "eve.zip can't be opened" in said
    assert "Gone: nothing was handed in" in said
    found = rows(folder, "csv")
    states = {key: (row["exercise 1"], row["exercise 2"]) for key, row in found.items()}
    assert states == {
        "anna": ("passed", "passed"),
        "bo": ("passed", "passed"),
        "cy": ("passed", "passed"),
        "di": ("not yet", "not yet"),
        "eve": ("", ""),
        "fay": ("not yet", "not yet"),
        "gone": ("", ""),
    }


def test_points_are_less_for_what_is_late(graded: tuple[Path, str]) -> None:
    """A day that has begun costs as much as a whole one, and there is a most. What can't be
    graded has no points: that isn't the grader's to say."""
    found = rows(graded[0], "csv")
    assert {key: (row["points"], row["days late"]) for key, row in found.items()} == {
        "anna": ("4.0", "0"),
        "bo": ("3.0", "1"),
        "cy": ("2.0", "11"),
        "di": ("0.0", "0"),
        "eve": ("", "0"),
        "fay": ("0.0", "0"),
        "gone": ("", "0"),
    }


def test_duplicates_are_graded_once(graded: tuple[Path, str]) -> None:
    """Those of anna and cy are one text; the seed is the same for all."""
    folder, _ = graded
    with sqlite3.connect(folder / "class.sqlite") as database:
        assert database.execute("SELECT count(*) FROM report").fetchone() == (4,)
        assert database.execute("SELECT count(*) FROM attempt").fetchone() == (7,)
    with Store(folder / "class.sqlite") as store:
        reports = [one.report for one in store.attempts("toy") if one.report]
    assert {report.seed for report in reports} == {7}
    assert {report.file for report in reports} == {"anna.py", "bo/exercise.py"} | {
        f"{name}.py" for name in ("cy", "di", "fay")
    }


def test_resume_grades_what_has_changed(graded: tuple[Path, str], tmp_path: Path) -> None:
    """Of what a student hands in anew, the earlier attempt is kept, and the best counts."""
    folder, _ = graded
    results = tmp_path / "class.sqlite"
    results.write_bytes((folder / "class.sqlite").read_bytes())
    again = write_files(tmp_path / "in", HAND_INS | {"anna.py": naps(3), "di.py": naps(1)})
    words = ("class", again, "--lesson", "toy", "--resume", "--results", results)
    done = run_grade(folder, *words)
    assert "4 have a verdict already, 1 are to be graded." in done.stderr
    with Store(results) as store:
        found = {}
        for one in store.attempts("toy"):
            found.setdefault(one.student.key, []).append(one.report and one.report.passed)
    assert found == {
        "anna": [2, 1],
        "bo": [2],
        "cy": [2],
        "di": [0, 2],
        "eve": [None],
        "fay": [0],
        "gone": [None],
    }
    points = csv.DictReader(io.StringIO(export(folder, "csv", "--results", results)))
    assert {row["student"]: row["points"] for row in points}["anna"] == "4.0"
    assert "0 are to be graded" in run_grade(folder, *words).stderr


def test_verdict_holds_as_long_as_the_course_is_the_same(
    graded: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lesson's text may change, its checks may not."""
    course = shutil.copytree(graded[0], tmp_path / "course")
    monkeypatch.setenv(COURSE, str(course))
    toy = read_course(course).lesson("toy")

    def version() -> str:
        return course_version.__wrapped__(toy)  # what the same process would know already

    before = version()
    (course / "lessons" / "toy.md").write_text("# Changed")
    assert version() == before
    with (course / "checks" / "test_toy.py").open("a") as checks:
        checks.write("# changed")
    assert version() != before


def test_canvas_gets_back_its_own_names(graded: tuple[Path, str]) -> None:
    """What a spreadsheet would run is text; the second line says how many points there are."""
    lines = list(csv.reader(io.StringIO(export(graded[0], "canvas"))))
    assert lines[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "toy"]
    assert lines[1] == ["    Points Possible", "", "", "", "", "4.0"]
    assert ["Anna Ek", "anna", "", "", "", "4.0"] in lines
    assert ["'=Eve", "eve", "", "", "", ""] in lines


def test_moodle_gets_a_worksheet(graded: tuple[Path, str]) -> None:
    row = rows(graded[0], "moodle")["Participant di"]
    assert (row["Grade"], row["Maximum grade"]) == ("0.0", "4.0")
    assert row["Feedback comments"] == "toy: 0 of 2 exercises pass; not yet: 1, 2"


def test_gradescope_gets_a_file_for_each(graded: tuple[Path, str], tmp_path: Path) -> None:
    export(graded[0], "gradescope", "--out", tmp_path / "out")
    found = json.loads((tmp_path / "out" / "bo" / "results.json").read_text())
    assert (found["score"], [test["max_score"] for test in found["tests"]]) == (3.0, [1.0, 3.0])
    assert len(list((tmp_path / "out").iterdir())) == 7


def test_every_report_can_be_had(graded: tuple[Path, str]) -> None:
    """As JUnit XML, as JSON lines, as Markdown."""
    folder, _ = graded
    suites = ET.fromstring(export(folder, "junit")).findall("testsuite")
    assert "anna.toy 1 · A nap" in [suite.get("name") for suite in suites]
    lines = [json.loads(line) for line in export(folder, "jsonl").splitlines()]
    assert [line["report"] is None for line in lines] == [*[False] * 4, True, False, True]
    assert "| Anna Ek | ✔ | ✔ | 4.0 |" in export(folder, "markdown")


def test_results_must_be_there(tmp_path: Path) -> None:
    done = run_grade(tmp_path, "class", "export", "csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there are no results in class.sqlite" in done.stderr


def test_a_whole_class_is_one_transaction(tmp_path: Path) -> None:
    """Each that ends waits for the disk. The file counts them in its header."""
    file = tmp_path / "class.sqlite"

    def transactions() -> int:
        return int.from_bytes(file.read_bytes()[24:28])

    with Store(file, must_exist=False) as store:
        before = transactions()
        store.add_students([Student(key=str(n), name="x") for n in range(50)])
        assert transactions() == before + 1


def test_other_files_are_not_written_into(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "mine.sqlite") as database:
        database.execute("CREATE TABLE mine (id)")
    (tmp_path / "text.sqlite").write_text("not a database, but a text that is long enough")
    write_files(tmp_path / "in", {"anna.py": naps()})
    for name, why in (("mine.sqlite", "holds no results"), ("text.sqlite", "can't be used")):
        done = run_grade(tmp_path, "class", "in", "--lesson", "day53", "--results", name)
        assert (done.returncode, why in done.stderr) == (2, True), done.stderr


def test_results_that_another_program_holds_cost_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said what to do, and what was stored before is there."""
    monkeypatch.setattr("grader.classroom.store.PATIENCE", 0)
    file, day53 = tmp_path / "class.sqlite", lesson("day53")
    works = [
        Work(student=Student(key=key, name=key), lesson="day53", source=key) for key in ("a", "b")
    ]
    verdict = Report(lesson="day53", file="x", seed=1, seconds=0, exercises=())

    async def hold_between(todo: Sequence[SameWork], done: Done) -> None:
        done(todo[0], verdict)
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            done(todo[1], verdict)

    async def grade(todo: Sequence[SameWork], _: int, done: Done) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(hold_between(todo, done))

    def grade_all() -> None:
        with Store(file, must_exist=False) as store:
            ClassSession(store, tmp_path, works, [day53]).grade(grade, lambda _: None)

    with pytest.raises(InputError, match="can't be used: database is locked") as raised:
        grade_all()
    assert raised.value.remedy == "close the program that has it open, and try again"
    with Store(file) as store:
        assert [one.student.key for one in store.attempts("day53")] == ["a"]


def test_stopping_loses_nothing(graded: tuple[Path, str], tmp_path: Path) -> None:
    """Ctrl-C comes while the second is graded, which never ends by itself."""
    folder, _ = graded
    hand_ins = write_files(tmp_path / "in", {"a.py": naps(), "b.py": ENDLESS})
    results = tmp_path / "r.sqlite"
    words = ["class", str(hand_ins), "--lesson", "toy", "--results", str(results), "-j", "1"]
    with subprocess.Popen(
        [sys.executable, "-m", "grader", *words],
        cwd=folder,
        env=environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert "1 of 2 graded" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert "Go on with the same command and --resume." in process.stderr.read()
        assert process.wait() == 130
    with Store(results) as store:
        assert [one.student.key for one in store.attempts("toy")] == ["a"]
    write_files(hand_ins, {"b.py": naps(2)})
    done = run_grade(folder, *words, "--resume")
    assert "1 have a verdict already, 1 are to be graded." in done.stderr
    with Store(results) as store:
        assert [one.student.key for one in store.attempts("toy")] == ["a", "b"]


def test_folders_are_named_after_students() -> None:
    """Whatever they are called, each has one, on any file system, and it leads nowhere else."""
    keys = ["anna", "Anna", "../etc", "a/b", "..", "日本"]
    assert list(file_names(keys).values()) == ["anna", "Anna-2", "etc", "a-b", "student", "日本"]


# Likeness


ORDERED = naps(2, "await sleep()\n        return await sleep()")
COPY = """
from asyncio import sleep as pause
from fastapi import FastAPI

def exercise_2(sleep):  # all mine
    mine = FastAPI()
    async def again():
        outcome = [await sleep() for _ in range(2)]
        return outcome[1]
    mine.get("/nap")(again)
    return mine

def exercise_1():
    mine = FastAPI()
    async def long():
        await pause(1 + 1)
    mine.get("/nap")(long)
    return mine
"""


LOST = """
from fastapi import FastAPI

def exercise_1():
    return FastAPI()

def exercise_2(sleep):
    return FastAPI()
"""


def test_copy_is_found_by_what_it_does(graded: tuple[Path, str], tmp_path: Path) -> None:
    """It is written anew, in another order. The right ones do the same, and so do those who fail
    before they do anything; they aren't named."""
    works = {
        "a.py": ORDERED,
        "b.py": naps(3, "return await sleep() + 1"),
        "c.py": COPY,
        "lost.py": LOST,
        "lost2.py": LOST + "# lost",
        "right.py": naps(),
        "right2.py": naps().replace("nap()", "sleeping()"),
    }
    results = tmp_path / "r.sqlite"
    folder = write_files(tmp_path / "in", works)
    done = run_grade(graded[0], "class", folder, "--lesson", "toy", "--results", results)
    assert done.returncode == 0, done.stderr
    with Store(results) as store:
        attempts = list(store.attempts("toy"))
    toy = read_course(graded[0]).lesson("toy")
    [found] = ClassOverview(toy, attempts, ClassRules()).alike_in_behaviour
    assert (found.keys, sorted(found.exercises)) == (("a", "c"), [1, 2])


# The guide


def test_every_command_of_the_guide_does_what_it_says(tmp_path: Path) -> None:
    """On a class that works on the toy lesson. (test_board_served.py tries those of the board.)"""
    guide = (ROOT / "docs" / "class.md").read_text("utf-8").replace("day53", "toy")
    blocks = {block.language: block.text for block in blocks_of(guide)}
    write_course(tmp_path)
    (tmp_path / "names.csv").write_text(blocks["csv"])
    (tmp_path / "points.toml").write_text(re.sub(r"\b5 = ", "2 = ", blocks["toml"]))
    write_files(tmp_path / "handed-in", {"anna.py": naps(), "bo/exercise.py": naps(2)})
    lines = re.findall(r"^\$ grade (class .*)", guide, re.M)
    here = [line for line in lines if "--cluster" not in line]  # that is of another test
    assert len(here) == len(set(here)) == 13
    said = {line: _said(tmp_path, line) for line in here}
    assert "2 have a verdict already" in said["class handed-in --lesson toy --resume"]
    assert "Anna Ek" in said["class export csv --rules points.toml"]
    assert ",4.0,4.0,1,0,passed,,passed," in said["class export csv --rules points.toml"]
    written = "class.html with-names.html pages/anna.html pages/bo.html canvas.csv moodle.csv"
    for name in [*written.split(), "gradescope/bo/results.json", "class.xml", "class.jsonl"]:
        assert (tmp_path / name).stat().st_size
    assert "Anna" not in (tmp_path / "class.html").read_text("utf-8")
    assert "Anna Ek" in (tmp_path / "with-names.html").read_text("utf-8")


def _said(folder: Path, line: str) -> str:
    done = run_grade(folder, *line.split())
    assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
    return done.stderr + done.stdout


# Apart


def test_one_students_processes_are_gone_before_the_next_ones_turn() -> None:
    """A program that reads or changes what is in its process finds nothing of another's."""
    talkative = "import os\nprint('pid', os.getpid())\n" + naps()
    with Grading() as grading:
        pids = [_pids(grading, talkative, number) for number in range(3)]
    assert all(pids)
    assert len(set().union(*pids)) == sum(map(len, pids))


def test_folder_that_is_called_like_the_file_is_left_out() -> None:
    """The answers are the student's `my.py`, beside a folder `exercise.py`."""
    work = Work(
        student=Student(key="anna", name="Anna"),
        lesson="day53",
        source=naps(),
        helpers={"exercise.py/x": b""},
    )
    assert isinstance(asyncio.run(_verdict(work)), Report)


async def _verdict(work: Work) -> Report | GraderError:
    desk = LocalDesk()
    try:
        return await desk.verdict(work, 1)
    finally:
        await desk.close()


def test_terminal_is_told_names_that_it_does_not_obey(tmp_path: Path) -> None:
    write_files(tmp_path / "in", {"\x1b[2Janna.zip": b"broken"})
    done = run_grade(tmp_path, "class", "in", "--lesson", "day53")
    assert r"day53 \x1b[2Janna: \x1b[2Janna.zip can't be opened" in done.stdout, done.stderr


def _pids(grading: Grading, source: str, number: int) -> set[str]:
    """The processes that a text is played in."""
    report = grading.grade(lesson("day53"), Path("/answers.py"), (2,), source=f"{source}#{number}")
    traces = [check.got for check in report.exercises[0].checks if check.got]
    return {pid for trace in traces for pid in re.findall(r"pid (\d+)", trace.output)}
