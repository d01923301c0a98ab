"""`grade explain`: what each id means, by words and by two programs that are played."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from grader.checks import get, scenario, statuses
from grader.course.catalog import course, lessons
from grader.judge.diagnoses import IDS, diagnose
from grader.judge.diagnoses.examples import EXAMPLES
from grader.judge.diagnoses.examples.example import example
from grader.judge.explaining import explain, played, summaries
from grader.judge.workers import Worker
from grader.render.explanation import explanation_lines


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with closing(Worker()) as worker:
        yield worker


def grade(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grader", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_id_has_an_example() -> None:
    assert set(EXAMPLES) == set(IDS)


@pytest.mark.parametrize("id_", IDS)
def test_wrong_program_of_an_id_is_found_out_by_it_and_the_right_one_is_well(
    worker: Worker, id_: str
) -> None:
    """The grader says of the wrong one what it is shown for, at a line of it."""
    shown = EXAMPLES[id_]
    with played(shown, worker) as case:
        if case.aspect is not None:
            assert case.aspect(case.got) != case.aspect(case.expected)
        first = diagnose(case)[0]
        assert first.id == id_
        assert case.expected.outcome.kind == "finished"
        assert not any(
            exchange.raised and not case.is_cancelled(exchange)
            for exchange in case.expected.exchanges
        )
    assert first.line is None or first.line <= len(shown.wrong.splitlines())


def test_other_request_to_the_same_path_was_not_answered_before(worker: Worker) -> None:
    """What was right for one token says nothing of a request with another, or with none."""
    door = """
        @app.get("/door")
        async def door(request: Request):
            if request.headers.get("token") {}:
                raise HTTPException(401)
    """
    knocks = scenario(get("/door", headers={"token": "no"}), get("/door", at=1))
    programs = door.format("== 'no'"), door.format("!= 'yes'")
    with played(example("door", knocks, *programs, aspect=statuses), worker) as case:
        [said] = diagnose(case)
    assert (said.id, "Before" in said.text) == ("wrong-status", False)


def test_explanation_has_both_programs_their_pictures_and_what_to_do() -> None:
    explanation = explain("awaited-in-turn")
    shown = "\n".join(line.plain for line in explanation_lines(explanation, 80))
    for part in (explanation.wrong, explanation.right):
        assert all(line in shown for line in part.source.splitlines())
    assert shown.count("GET /page") == 2
    assert explanation.wrong.verdict.split(":")[0] in " ".join(shown.split())
    assert "Instead: start them all" in shown


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_explanation_fits_the_screen(width: int) -> None:
    explanation = explain("never-awaited")
    assert all(line.cell_len <= width for line in explanation_lines(explanation, width))


def test_command_lists_all_ids_with_a_sentence_each() -> None:
    lines = grade("explain").stdout.splitlines()
    known = summaries()
    for id_ in IDS:
        assert any(line.split() == [id_, *known[id_].split()] for line in lines), id_


def test_command_names_the_section_to_read() -> None:
    done = grade("explain", "awaited-in-turn")
    assert done.returncode == 0
    assert re.search(r"^read: grade lesson \w+ concurrent-operations$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("await-in-turn", "awaited-in-turn"), ("timeout", "no-timeout"), ("Race ", "race")],
)
def test_id_that_there_is_not_is_answered_with_the_nearest(asked: str, meant: str) -> None:
    done = grade("explain", asked)
    assert meant in done.stdout + done.stderr
    assert done.returncode == (0 if asked == "Race " else 2)


def test_lessons_name_only_ids_that_there_are() -> None:
    for lesson in lessons():
        text = Path(course().lesson_text(lesson)).read_text("utf-8")
        for ids in re.findall(r"<!-- explains: (.*?) -->", text, re.DOTALL):
            assert set(ids.replace(",", " ").split()) <= set(IDS)
