"""Progress: what is kept of a learner's work, and that it never stands in the way."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from grader.course import catalog
from grader.course.answers import Answers
from grader.course.catalog import Exercise
from grader.course.progress import FILE, ExerciseProgress, Progress, ProgressFile, QuizAnswer
from grader.model.report import ExerciseReport, ExerciseStatus, Report

DAY53 = catalog.lesson("day53")
FIRST = DAY53.exercises[0]


def report(*statuses: ExerciseStatus) -> Report:
    """Of day 53's first exercises."""
    found = tuple(
        ExerciseReport(number=number, title="", status=status)
        for number, status in enumerate(statuses, start=1)
    )
    return Report(lesson="day53", file="exercise.py", seed=1, seconds=0, exercises=found)


def silent(words: str) -> None:
    raise AssertionError(f"there was nothing to tell: {words}")


def test_gradings_are_counted(tmp_path: Path) -> None:
    """To do isn't an attempt, and what the grader broke leaves no trace."""
    file = ProgressFile(tmp_path, silent)
    answers = Answers("def exercise_1(): pass\n")
    for statuses in (["todo", "failed"], ["failed", "passed"], ["passed"], ["broken", "failed"]):
        file.note([(DAY53, answers, report(*statuses))])  # type: ignore[arg-type]
    first, second = (file.read().exercise(DAY53, exercise) for exercise in DAY53.exercises[:2])
    assert (first.status, first.attempts, first.passes, first.failures) == ("passed", 2, 1, 1)
    assert (second.status, second.attempts, second.passes, second.failures) == ("failed", 3, 1, 2)
    assert first.graded == answers.digest(FIRST)


def test_the_same_answer_passes_only_once(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path, silent)
    for text in ("def exercise_1(): pass\n", "def exercise_1(): pass\n", "def exercise_1(): ...\n"):
        file.note([(DAY53, Answers(text), report("passed"))])
    known = file.read().exercise(DAY53, FIRST)
    assert (known.attempts, known.passes) == (2, 2)


def test_to_look_is_no_attempt_unless_it_passes(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path, silent)
    file.note([(DAY53, Answers("def exercise_1(): 1\n"), report("failed"))], asked=False)
    assert file.read().exercise(DAY53, FIRST).attempts == 0
    file.note([(DAY53, Answers("def exercise_1(): 2\n"), report("passed"))], asked=False)
    assert file.read().exercise(DAY53, FIRST).passes == 1


def test_what_was_not_begun_fails_with_no_file(tmp_path: Path) -> None:
    """A file that cannot be loaded fails as a whole; that isn't an attempt at each exercise."""
    stub = catalog.stub_source(DAY53) or ""
    file = ProgressFile(tmp_path, silent)
    broken = stub.replace('raise NotImplementedError("exercise 2")', "return (")
    file.note([(DAY53, Answers(broken), report("failed", "failed"))])
    first, second = (file.read().exercise(DAY53, exercise) for exercise in DAY53.exercises[:2])
    assert (first.status, first.attempts) == ("todo", 0)
    assert (second.status, second.attempts) == ("failed", 1)


def test_without_a_workspace_nothing_is_kept_and_that_is_said(tmp_path: Path) -> None:
    told: list[str] = []
    file = ProgressFile(None, told.append)
    with file.changing() as progress:
        progress.exercise(DAY53, FIRST).hints = 1
    assert file.read() == Progress()
    assert told == ["Progress is not kept: there is no course in this folder."]


def test_the_first_pass_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(["2026-01-01T10:00:00+00:00", "2026-01-02T10:00:00+00:00"])
    monkeypatch.setattr("grader.course.progress._now", lambda: next(moments))
    known = ExerciseProgress()
    for status in ("failed", "passed", "failed", "passed"):
        known.note(status, "")  # type: ignore[arg-type]
    assert known.first_pass == "2026-01-01T10:00:00+00:00"


def test_the_exercise_at_hand_is_the_first_unsolved(tmp_path: Path) -> None:
    progress = Progress()
    assert progress.first_unsolved([DAY53]) == (DAY53, FIRST)
    progress.exercise(DAY53, FIRST).note("passed", "")
    progress.exercise(DAY53, FIRST).note("failed", "")  # it was solved once
    assert progress.first_unsolved([DAY53]) == (DAY53, DAY53.exercises[1])
    for exercise in DAY53.exercises:
        progress.exercise(DAY53, exercise).note("passed", "")
    assert progress.first_unsolved([DAY53]) is None


@pytest.mark.parametrize(
    "broken",
    [b"", b"{", b'{"version": 1, "lessons": []}', b"\xff\xfe", b'{"version": 99, "lessons": {}}'],
)
def test_a_broken_file_is_set_aside_and_said(tmp_path: Path, broken: bytes) -> None:
    told: list[str] = []
    file = ProgressFile(tmp_path, told.append)
    file.path.parent.mkdir()
    for number in (1, 2):
        file.path.write_bytes(broken)
        assert file.read() == Progress()
        assert file.path.with_name(f"progress.broken-{number}.json").read_bytes() == broken
    assert [words.endswith("and progress starts over.") for words in told] == [True, True]
    with file.changing() as progress:
        progress.exercise(DAY53, FIRST).hints = 2
    assert file.read().exercise(DAY53, FIRST).hints == 2


def test_a_place_that_cannot_be_written_is_said_and_not_fatal(tmp_path: Path) -> None:
    """A file where the folder should be; permissions don't stop the superuser."""
    (tmp_path / FILE.parent).write_text("no folder")
    told: list[str] = []
    with ProgressFile(tmp_path, told.append).changing() as progress:
        progress.exercise(DAY53, FIRST).hints = 1
    assert len(told) == 1
    assert told[0].startswith(f"Progress cannot be kept in {FILE}: ")


def test_two_at_once_lose_nothing(tmp_path: Path) -> None:
    def note() -> None:
        for _ in range(20):
            with ProgressFile(tmp_path, silent).changing() as progress:
                progress.exercise(DAY53, FIRST).note("failed", "")

    threads = [threading.Thread(target=note) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ProgressFile(tmp_path, silent).read().exercise(DAY53, FIRST).attempts == 80


def test_an_error_within_keeps_what_was(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path, silent)
    with pytest.raises(ZeroDivisionError), file.changing() as progress:
        progress.exercise(DAY53, FIRST).hints = 1 // 0
    assert file.read() == Progress()


def test_the_file_can_be_read_by_people(tmp_path: Path) -> None:
    file = ProgressFile(tmp_path, silent)
    with file.changing() as progress:
        progress.lesson(DAY53).quiz["2"] = QuizAnswer("b", right=False)
        progress.exercise(DAY53, FIRST).hints = 1
    assert file.path.read_text().count("\n") > 5
    assert json.loads(file.path.read_text()) == {
        "version": 1,
        "lessons": {
            "day53": {
                "exercises": {"1": {"hints": 1}},
                "quiz": {"2": {"given": "b", "right": False}},
            }
        },
    }
    assert sorted(path.name for path in file.path.parent.iterdir()) == [
        "progress.json",
        "progress.lock",
    ]


# Where an answer stands in the file

TEXT = '''\
import asyncio


def exercise_1(compute=None):
    """What it asks for."""
    return compute


@decorated
async def exercise_2(
    fetch=None,
):

    return fetch


# Exercise 3: more
value = 3
'''
SECOND = "@decorated\nasync def exercise_2(\n    fetch=None,\n):\n\n    return fetch\n"


def test_an_answer_is_found_with_its_decorators() -> None:
    answers = Answers(TEXT)
    assert answers.answer(Exercise(2, "")) == SECOND
    assert (answers.line(Exercise(1, "")), answers.line(Exercise(2, ""))) == (4, 10)
    assert answers.describes(Exercise(1, "")) == "What it asks for."
    assert (answers.answer(Exercise(3, "")), answers.line(Exercise(3, ""))) == ("", None)


def test_an_answer_is_found_in_a_file_that_does_not_parse() -> None:
    answers = Answers(TEXT.replace("return compute", "return ("))
    assert answers.answer(Exercise(2, "")) == SECOND.removeprefix("@decorated\n")
    assert answers.line(Exercise(2, "")) == 10


@pytest.mark.parametrize("broken", [False, True])
def test_one_answer_can_be_replaced(broken: bool) -> None:
    """Nothing else is touched, not even the lines around it."""
    text = TEXT.replace("return compute", "return (") if broken else TEXT
    new = "def exercise_1():\n    return 1\n"
    old = Answers(text).answer(Exercise(1, ""))
    assert Answers(text).with_answer(Exercise(1, ""), new) == text.replace(old, new)


def test_a_missing_answer_is_put_at_the_end() -> None:
    new = "def exercise_9():\n    return 9\n"
    text = Answers(TEXT).with_answer(Exercise(9, ""), new)
    assert text == f"{TEXT}\n\n{new}"
    assert Answers(text).answer(Exercise(9, "")) == new


def test_answers_are_told_apart() -> None:
    one, other = Answers(TEXT), Answers(TEXT.replace("return compute", "return  compute"))
    assert one.digest(Exercise(1, "")) != other.digest(Exercise(1, ""))
    assert one.digest(Exercise(2, "")) == other.digest(Exercise(2, ""))


HELPER = """import asyncio

SECONDS = 1

def nap():
    return asyncio.sleep(SECONDS)

def exercise_1():
    return nap

def exercise_2():
    return 2
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sleep(SECONDS)", "sleep(2)"),
        ("SECONDS = 1", "SECONDS = 3"),
        ("import asyncio", "import trio as asyncio"),
        ("def exercise_2", "def nap(): ...\n\ndef exercise_2"),
    ],
)
def test_answer_is_another_when_what_it_uses_is(old: str, new: str) -> None:
    """And one that uses none of it stays what it was."""
    before, after = Answers(HELPER), Answers(HELPER.replace(old, new))
    first, second = DAY53.exercises[:2]
    assert before.digest(first) != after.digest(first)
    assert before.digest(second) == after.digest(second)


def test_answer_stays_what_it_was_when_others_change() -> None:
    after = Answers(HELPER.replace("return 2", "return 3") + "\nother = 1\n")
    assert Answers(HELPER).digest(FIRST) == after.digest(FIRST)
