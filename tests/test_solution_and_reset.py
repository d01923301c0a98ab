"""Seeing the solution, and going back to the stub."""

from __future__ import annotations

import ast
import os
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from learner import DAY53, MISTAKES, ROOT, SOLUTION, STUB, Learner

from grader.course import catalog, resetting
from grader.course.answers import Answers, solution, stub
from grader.course.catalog import Exercise
from grader.course.solutions import solution as solution_of
from grader.model.errors import GraderError
from grader.render.outline import outline

IN_TURN = MISTAKES / "2_awaited_in_turn.py"
LESSON = (ROOT / "lessons" / "day53.md").read_text("utf-8")
TEXT = STUB.read_text("utf-8")
SECOND = DAY53.exercise(2)


def reason_of(exercise: Exercise) -> str:
    [factory] = [
        node
        for node in ast.parse(SOLUTION.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == exercise.factory
    ]
    return ast.get_docstring(factory) or ""


# The reasons


@pytest.mark.parametrize("exercise", DAY53.exercises, ids=str)
def test_every_solution_says_why_in_a_few_sentences(exercise: Exercise) -> None:
    """And where to read about it, in a section that is there."""
    reason, _, link = reason_of(exercise).rpartition("\n\n")
    assert 2 <= len(re.findall(r"[.?!](?:\s|$)", reason)) <= 5
    found = re.fullmatch(r"Read: \[[^]]+\]\(\.\./\.\./lessons/day53\.md#([\w-]+)\)\.", link)
    assert found
    assert found[1] in {part.anchor for part in outline(LESSON)}


# The solution


@pytest.mark.parametrize(("attempts", "passes"), [(0, 0), (1, 0), (2, 0)])
def test_the_solution_is_not_shown_before_you_have_tried(
    learner: Learner, attempts: int, passes: int
) -> None:
    """It is said how far you are, and what helps instead."""
    learner.has_tried(2, attempts, passes)
    result = learner.grade("solution", "day53", 2)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"after 3 attempts that did not: so far {attempts}" in result.output
    assert "grade hint day53 2" in result.output
    assert "grade lesson day53 when-one-of-them-fails" in result.output
    assert "TaskGroup" not in result.output


@pytest.mark.parametrize(("attempts", "passes"), [(3, 0), (1, 1), (9, 1)])
def test_the_solution_is_shown_when_you_have_tried(
    learner: Learner, attempts: int, passes: int
) -> None:
    learner.has_tried(2, attempts, passes)
    result = learner.grade("solution", "day53", 2)
    assert result.exit_code == 0
    assert "async with asyncio.TaskGroup() as group:" in result.output


def test_anyway_is_anyway(learner: Learner) -> None:
    """Nothing is kept of it."""
    assert learner.grade("solution", "day53", 2, "--anyway").exit_code == 0
    assert not (learner.folder / ".course" / "progress.json").exists()


def test_without_an_answer_only_the_solution_is_shown(learner: Learner) -> None:
    """With its reason; the docstring is not shown as code as well."""
    for text in (TEXT, TEXT.replace("def exercise_2", "def exercise_two"), ""):
        learner.file.write_text(text, "utf-8")
        result = learner.grade("solution", "day53", 2, "--anyway")
        assert "You have no answer yet" in result.output
        assert result.output.count("TaskGroup") == 3  # in the code, its comment, the reason
        assert '"""' not in result.output
        assert "grade lesson day53 when-one-of-them-fails" in " ".join(result.output.split())
    learner.file.unlink()
    assert "You have no answer yet" in learner.grade("solution", "day53", 2, "--anyway").output


def test_a_stub_with_other_spacing_is_no_answer(learner: Learner) -> None:
    learner.file.write_bytes(TEXT.replace("\n", "\r\n").encode())
    assert "You have no answer yet" in learner.grade("solution", "day53", 2, "--anyway").output


def test_a_narrow_console_shows_one_within_the_other(learner: Learner) -> None:
    """Without colour the signs tell what goes and what comes."""
    learner.answers(2, IN_TURN)
    result = learner.grade("solution", "day53", 2, "--anyway", columns=60)
    lines = result.output.splitlines()
    assert "-             user = await fetch_user()" in lines
    assert "+                 user = group.create_task(fetch_user())" in lines
    assert '      @app.get("/dashboard")' in lines
    assert max(map(len, lines)) <= 60
    assert "│" not in result.output


def test_a_wide_console_shows_both_beside_each_other(learner: Learner) -> None:
    learner.answers(2, IN_TURN)
    result = learner.grade("solution", "day53", 2, "--anyway", columns=110)
    lines = result.output.splitlines()
    assert any(re.match(r"- yours +│ \+ the solution", line) for line in lines)
    assert any(
        re.match(r'      @app.get\("/dashboard"\) +│       @app.get', line) for line in lines
    )
    assert any(
        re.match(r"-  +user = await fetch_user\(\) +│ \+  +async with", line) for line in lines
    )
    assert max(map(len, lines)) <= 110
    assert len({line.index("│") for line in lines if "│" in line}) == 1


def test_what_changes_is_coloured_on_a_terminal(learner: Learner) -> None:
    learner.answers(2, IN_TURN)
    for columns in (60, 110):
        _, shown = learner.on_terminal("solution", "day53", "2", "--anyway", columns=columns)
        assert re.search(r"\x1b\[31m- ", shown)
        assert re.search(r"\x1b\[32m\+ ", shown)


def test_the_signature_of_the_stub_is_no_difference(learner: Learner) -> None:
    """Its defaults serve the app by hand; the solution has none."""
    body = SOLUTION.read_text("utf-8")
    body = body[body.index('@app.get("/external")') : body.index("def exercise_5")]
    begin = TEXT.index("def exercise_4")
    end = TEXT.index("# Exercise 5")
    mine = f"def exercise_4(fetch=fetch_slowly):\n    app = FastAPI()\n\n    {body}"
    learner.file.write_text(TEXT[:begin] + mine + TEXT[end:], "utf-8")
    result = learner.grade("solution", "day53", 4, "--anyway")
    assert "Yours is the same, line by line." in result.output
    assert "asyncio.timeout(2)\n" not in result.output


def test_what_the_answer_uses_is_part_of_it(learner: Learner) -> None:
    """Values and helpers that the learner made, but not those of the stub."""
    mine = (
        "LIMIT = 2\n\n\ndef spare():\n    return LIMIT\n\n\ndef unused():\n    pass\n\n\n"
        "def exercise_4(fetch=fetch_slowly):\n    return spare()\n"
    )
    begin, end = TEXT.index("def exercise_4"), TEXT.index("# Exercise 5")
    learner.file.write_text(TEXT[:begin] + mine + TEXT[end:], "utf-8")
    yours = solution_of(DAY53, DAY53.exercise(4)).yours
    assert yours.startswith("LIMIT = 2\n\n\ndef spare():\n    return LIMIT\n\n\ndef exercise_4(")
    assert "unused" not in yours
    assert "fetch_slowly():" not in yours


@pytest.mark.parametrize("number", [exercise.number for exercise in DAY53.exercises])
@pytest.mark.parametrize("columns", [60, 110])
def test_every_solution_keeps_to_the_columns(learner: Learner, number: int, columns: int) -> None:
    mistake = next(iter(sorted(MISTAKES.glob(f"{number}_[b-z]*.py"))))
    shutil.copy(mistake, learner.file)
    result = learner.grade("solution", "day53", number, "--anyway", columns=columns)
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= columns


@pytest.mark.parametrize("mistake", sorted(MISTAKES.glob("*.py")), ids=lambda file: file.stem)
def test_whatever_the_answer_it_can_be_compared(learner: Learner, mistake: Path) -> None:
    """Also one that is not valid Python, or that defines its factory in some other way."""
    shutil.copy(mistake, learner.file)
    found = solution_of(DAY53, DAY53.exercise(int(mistake.name[0])))
    text = mistake.read_text("utf-8")
    assert {line.strip() for line in found.yours.splitlines()} <= {
        line.strip() for line in text.splitlines()
    }
    compile(found.code, "solution", "exec")


def test_an_answer_that_is_no_python_is_compared(learner: Learner) -> None:
    learner.file.write_text(TEXT + "\ndef broken(:\n", "utf-8")
    result = learner.grade("solution", "day53", 2, "--anyway")
    assert result.exit_code == 0


def test_control_characters_of_an_answer_move_no_cursor(learner: Learner) -> None:
    text = TEXT.replace('NotImplementedError("exercise 2")', 'KeyError("\x1b[2J\u202e")')
    learner.file.write_text(text, "utf-8")
    result = learner.grade("solution", "day53", 2, "--anyway")
    assert r'KeyError("\x1b[2J\u202e")' in result.output


def test_a_solution_without_a_reason_is_the_graders_fault(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "grader.course.answers.solution", lambda _: Answers("def exercise_2(): pass\n")
    )
    with pytest.raises(GraderError, match="no solution of exercise 2 with a reason"):
        solution_of(DAY53, SECOND)


# Going back


def backups(learner: Learner) -> list[Path]:
    return sorted((learner.folder / ".course" / "backups").glob("*"))


def reset(learner: Learner, number: int = 2) -> Any:
    result = learner.grade("reset", "day53", number, "--yes")
    assert result.exit_code == 0, result.output
    return result


CHANGED = TEXT.replace('NotImplementedError("exercise 2")', 'KeyError("mine")')


def test_one_exercise_is_the_stub_again(learner: Learner) -> None:
    """The others stay. The old file is kept, and it is said how to have it back."""
    learner.answers(2, IN_TURN)
    learner.answers(4, SOLUTION)
    before = learner.file.read_text("utf-8")
    result = reset(learner)
    after = learner.file.read_text("utf-8")
    assert Answers(after).answer(SECOND) == stub(DAY53).answer(SECOND)
    assert "asyncio.timeout(2)" in after
    [copy] = backups(learner)
    assert copy.read_text("utf-8") == before
    assert re.fullmatch(r"day53-exercise-2-\d{8}T\d{6}Z\.py", copy.name)
    assert "Exercise 2 is the stub again: exercises/day53/exercise.py:" in result.output
    assert f"cp .course/backups/{copy.name} exercises/day53/exercise.py" in result.output


FORMS: dict[str, Callable[[str], bytes]] = {
    "as it is": str.encode,
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "a BOM": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "no newline at its end": lambda text: text.rstrip().encode(),
    "spaces at its end": lambda text: f"{text}\n\n   \n".encode(),
    "a form feed": lambda text: text.replace("# Exercise", "\x0c# Exercise").encode(),
    "a line separator": lambda text: text.replace("time\n", "time  # \u2028 \x85\n", 1).encode(),
    "not valid Python": lambda text: f"{text}\n\ndef broken(:\n".encode(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=[*FORMS])
@pytest.mark.parametrize("number", [1, 2, 8])
def test_all_else_stays_byte_for_byte(
    learner: Learner, form: Callable[[str], bytes], number: int
) -> None:
    """So that the stub with one change is the stub again."""
    exercise = DAY53.exercise(number)
    answer = Answers(TEXT).answer(exercise)
    changed = form(TEXT.replace(answer, f"{answer.rstrip()}\n    # mine\n    return 1\n"))
    learner.file.write_bytes(changed)
    assert changed != form(TEXT)
    reset(learner, number)
    ends = b"" if number < 8 else b"\n"  # the last line is the stub's
    assert learner.file.read_bytes() in (form(TEXT), form(TEXT) + ends)
    assert [copy.read_bytes() for copy in backups(learner)] == [changed]


@pytest.mark.parametrize("form", FORMS.values(), ids=[*FORMS])
@pytest.mark.parametrize("name", ["", "def exercise_two(\n"], ids=["deleted", "renamed"])
def test_a_factory_that_is_gone_comes_back_at_the_end(
    learner: Learner, form: Callable[[str], bytes], name: str
) -> None:
    begin, end = TEXT.index("def exercise_2("), TEXT.index("# Exercise 3")
    rest = TEXT[begin:end].replace("def exercise_2(\n", name) if name else ""
    changed = form(TEXT[:begin] + rest + TEXT[end:])
    learner.file.write_bytes(changed)
    reset(learner)
    now = learner.file.read_bytes()
    assert now.startswith(changed)
    ends = b"\r\n" if b"\r\n" in changed else b"\n"
    answer = stub(DAY53).answer(SECOND).encode().replace(b"\n", ends)
    assert now.endswith(ends * 2 + answer)
    assert now[: -len(answer)].strip() == changed.strip()


def test_a_broken_file_loses_nothing_but_the_answer(learner: Learner) -> None:
    """The error may stand in the very answer that goes, or in another one."""
    broken = CHANGED.replace('KeyError("mine")', 'KeyError("mine"')
    learner.file.write_text(broken, "utf-8")
    reset(learner)
    assert learner.file.read_text("utf-8") == TEXT


def test_a_decorator_goes_with_its_factory(learner: Learner) -> None:
    text = CHANGED.replace("def exercise_2(", "@print\n@repr\ndef exercise_2(")
    learner.file.write_text(text, "utf-8")
    reset(learner)
    assert learner.file.read_text("utf-8") == TEXT


def test_a_stub_is_left_alone(learner: Learner) -> None:
    """Also on a terminal, where nothing is asked."""
    before = learner.file.stat()
    result = learner.grade("reset", "day53", 2)
    assert result.exit_code == 0
    assert "Exercise 2 is the stub already. Nothing was changed." in result.output
    assert learner.file.stat() == before
    assert backups(learner) == []
    assert not (learner.folder / ".course").exists()


@pytest.mark.parametrize("text", [None, "", "\n \n"], ids=["gone", "empty", "blank"])
def test_a_file_that_is_gone_comes_back_whole(learner: Learner, text: str | None) -> None:
    """Even with its folder."""
    shutil.rmtree(learner.file.parent)
    if text is not None:
        learner.file.parent.mkdir()
        learner.file.write_text(text)
    learner.has_tried(3, attempts=2)
    refused = learner.grade("reset", "day53", 2)
    assert (refused.exit_code, learner.file.exists()) == (2, text is not None)
    result = reset(learner)
    assert "All exercises of day53 are in exercises/day53/exercise.py again" in result.output
    assert learner.file.read_text("utf-8") == TEXT
    assert learner.exercise(3).status == "todo"
    assert learner.exercise(3).attempts == 2


def test_progress_stays_and_the_exercise_is_to_do(learner: Learner) -> None:
    learner.has_tried(2, attempts=5, passes=1, hints=2)
    learner.has_tried(4, attempts=1, passes=1)
    learner.file.write_text(CHANGED, "utf-8")
    reset(learner)
    known = learner.exercise(2)
    assert (known.status, known.attempts, known.passes, known.hints) == ("todo", 5, 1, 2)
    assert known.graded == stub(DAY53).digest(SECOND)
    assert learner.exercise(4).status == "passed"


def test_no_backup_is_ever_overwritten(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even within a second."""

    class Frozen(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Frozen:
            return cls(2026, 5, 4, 3, 2, 1, tzinfo=UTC)

    monkeypatch.setattr(resetting, "datetime", Frozen)
    texts = [CHANGED, CHANGED.replace("mine", "other"), CHANGED.replace("mine", "third")]
    for text in texts:
        learner.file.write_text(text, "utf-8")
        reset(learner)
    names = [copy.name for copy in backups(learner)]
    stem = "day53-exercise-2-20260504T030201Z"
    assert names == [f"{stem}-2.py", f"{stem}-3.py", f"{stem}.py"]
    kept = [(learner.folder / ".course" / "backups" / f"{stem}{n}.py") for n in ("", "-2", "-3")]
    assert [file.read_text("utf-8") for file in kept] == texts


def test_what_the_stub_needs_and_the_file_lacks_is_said(learner: Learner) -> None:
    """Its text is all that comes back."""
    text = CHANGED.replace("async def fetch_user_slowly", "async def fetch_it")
    learner.file.write_text(text, "utf-8")
    assert "does not have what the stub uses: fetch_user_slowly." in reset(learner).output
    learner.file.write_text(CHANGED, "utf-8")
    assert "does not have" not in reset(learner).output


def test_without_a_terminal_nobody_is_asked(learner: Learner) -> None:
    learner.file.write_text(CHANGED, "utf-8")
    result = learner.grade("reset", "day53", 2, typed="y\n")
    assert result.exit_code == 2
    assert "grade reset day53 2 --yes" in result.output
    assert learner.file.read_text("utf-8") == CHANGED
    assert backups(learner) == []


@pytest.mark.parametrize(
    ("typed", "status", "text"),
    [("y\n", 0, TEXT), ("n\n", 1, CHANGED), ("\n", 1, CHANGED), ("\x03", 1, CHANGED)],
    ids=["yes", "no", "Enter", "Ctrl-C"],
)
def test_on_a_terminal_it_is_asked_first(
    learner: Learner, typed: str, status: int, text: str
) -> None:
    learner.file.write_text(CHANGED, "utf-8")
    found, shown = learner.on_terminal(
        "reset", "day53", "2", dialogue=[("[y/N]: ", typed)], columns=100
    )
    assert "Put the stub of exercise 2 into exercises/day53/exercise.py? [y/N]" in shown
    assert found == status
    assert learner.file.read_text("utf-8") == text
    assert len(backups(learner)) == (text == TEXT)


@pytest.mark.parametrize("part", ["write_whole", "_kept"])
def test_a_file_that_cannot_be_written_is_refused(
    learner: Learner, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """Nothing has changed then, and no backup is left of nothing."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(resetting, part, refuse)
    learner.file.write_text(CHANGED, "utf-8")
    result = learner.grade("reset", "day53", 2, "--yes")
    assert result.exit_code == 2
    assert "cannot be written: Permission denied" in result.output
    assert "nothing was changed" in result.output
    assert learner.file.read_text("utf-8") == CHANGED
    assert backups(learner) == []


def test_a_file_that_is_read_only_is_refused(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could be replaced; but it was protected on purpose."""
    learner.file.write_text(CHANGED, "utf-8")
    learner.file.chmod(0o444)
    if os.access(learner.file, os.W_OK):  # to root everything is writable
        monkeypatch.setattr(os, "access", lambda *_: False)
    result = learner.grade("reset", "day53", 2, "--yes")
    assert result.exit_code == 2
    assert "exercises/day53/exercise.py is read-only" in result.output
    assert "chmod u+w exercises/day53/exercise.py" in result.output
    assert learner.file.read_text("utf-8") == CHANGED


@pytest.mark.parametrize(
    ("raw", "words"),
    [(b"x = '\xff'\n", "is not UTF-8"), (b"x = 0\0\n", "holds a null byte")],
)
def test_a_file_that_is_no_text_is_refused(learner: Learner, raw: bytes, words: str) -> None:
    learner.file.write_bytes(raw)
    result = learner.grade("reset", "day53", 2, "--yes")
    assert result.exit_code == 2
    assert words in result.output
    assert learner.file.read_bytes() == raw


def test_a_link_is_not_followed(learner: Learner, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere.py"
    place.write_text(CHANGED, "utf-8")
    learner.file.unlink()
    learner.file.symlink_to(place)
    result = learner.grade("reset", "day53", 2, "--yes")
    assert result.exit_code == 2
    assert "is a link" in result.output
    assert learner.file.is_symlink()
    assert place.read_text("utf-8") == CHANGED


def test_without_a_stub_there_is_nothing_to_go_back_to(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "stub_source", lambda name: None)
    result = learner.grade("reset", "day53", 2, "--yes")
    assert result.exit_code == 2
    assert "this course keeps no stub of day53" in result.output


def test_the_solution_has_every_factory() -> None:
    assert all(solution(DAY53).answer(exercise) for exercise in DAY53.exercises)
