"""The command `grade`: what it takes, what it prints, and what it exits with."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from grader.commands.group import main
from grader.course import catalog
from grader.judge.grading import Grading
from grader.model.errors import GraderError

ROOT = Path(__file__).parents[1]
SOLUTION = ROOT / "solutions" / "day53" / "solution.py"
STUB = ROOT / "exercises" / "day53" / "exercise.py"
MISTAKES = ROOT / "tests" / "mistakes" / "day53"
LESSONS = catalog.lessons()
NAMES = [lesson.name for lesson in LESSONS]
IN_TURN = MISTAKES / "2_awaited_in_turn.py"

Grade = Callable[..., Result]


@pytest.fixture
def grade(grading: Grading, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Grade:
    """The command, run in an empty folder with the worker of the whole run."""
    monkeypatch.setattr("grader.judge.grading.Grading", lambda: nullcontext(grading))
    monkeypatch.setattr(catalog, "carried_root", lambda: ROOT)
    monkeypatch.setattr(catalog, "workspace", lambda: tmp_path)
    monkeypatch.chdir(tmp_path)

    def grade(*words: object, **env: str) -> Result:
        return CliRunner().invoke(main, [*map(str, words)], env=env, prog_name="grade")

    return grade


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A learner's own folder, with the stub in it."""
    shutil.copy(ROOT / "course.toml", tmp_path)
    (tmp_path / "exercises" / "day53").mkdir(parents=True)
    shutil.copy(STUB, tmp_path / "exercises" / "day53")
    return tmp_path


def signs(result: Result) -> list[str]:
    """The first sign of each line about an exercise."""
    return re.findall(r"^ *(\S) \d · ", result.output, re.MULTILINE)


def overviews(result: Result) -> dict[str, list[str]]:
    """The signs of each lesson's exercises, in what `grade` alone prints."""
    parts = re.split(r"^(\S+): \d+ of \d+ pass$", result.output, flags=re.MULTILINE)
    return {
        name: re.findall(r"^ +(\S) \d · ", lines, re.MULTILINE)
        for name, lines in zip(parts[1::2], parts[2::2], strict=True)
    }


def report_of(result: Result) -> Any:
    report = json.loads(result.stdout)
    report["seconds"] = 0
    return report


# Verdicts


def test_solution_passes(grade: Grade) -> None:
    result = grade("day53", "--file", SOLUTION)
    assert result.exit_code == 0
    assert signs(result) == ["✔"] * 8
    assert "8 of 8 exercises pass" in result.output


def test_untouched_stub_is_all_to_do(grade: Grade, workspace: Path) -> None:
    """No failures, no traceback: nobody has begun. The next step is the first exercise."""
    result = grade("day53")
    assert result.exit_code == 1
    assert signs(result) == ["·"] * 8
    assert result.output.count("to do") == 8
    assert "0 of 8 exercises pass" in result.output
    assert "Next: exercise 1, Basic async" in result.output
    assert "exercises/day53/exercise.py:" in result.output
    assert "Traceback" not in result.output


def test_an_exercise_to_do_is_shown_with_what_it_asks(grade: Grade, workspace: Path) -> None:
    """Not with the command that was just typed as the next step."""
    told = grade("day53", 2).output
    assert "Next:" not in told
    assert "day53 2 · Concurrent operations\n  exercises/day53/exercise.py:" in told
    assert 'GET /dashboard answers {"user": ..., "orders": ..., "stats": ...}.' in told
    assert "grade hint day53 2" in told


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text + "\n# a comment of my own\n",
        lambda text: text.replace("    app = FastAPI()\n", "    app = FastAPI()  # mine\n\n"),
    ],
    ids=["CRLF", "a comment below", "a comment within"],
)
def test_stub_stays_to_do_until_its_code_changes(
    grade: Grade, workspace: Path, change: Callable[[str], str]
) -> None:
    file = workspace / "exercises" / "day53" / "exercise.py"
    file.write_bytes(change(STUB.read_text("utf-8")).encode())
    assert signs(grade("day53")) == ["·"] * 8


def test_stub_is_judged_once_its_code_changes(grade: Grade, workspace: Path) -> None:
    """Only the factory that was changed, and not for the others' sake."""
    file = workspace / "exercises" / "day53" / "exercise.py"
    text = STUB.read_text("utf-8").replace("time.sleep(0.5)", "time.sleep(0.4)")
    file.write_text(text, "utf-8")
    result = grade("day53", "--format", "json")
    found = [exercise["status"] for exercise in report_of(result)["exercises"]]
    assert found == ["failed", *["todo"] * 7]


def test_one_reason_for_all_is_told_once(grade: Grade) -> None:
    """It is not about what each check looks at, so they are only counted."""
    told = grade("day53", 2, "--file", MISTAKES / "2_factory_misspelt.py").output
    assert told.count("✘") == 2
    assert re.search(r"✘ \d other checks for the same reason\n", told)


def test_mistake_is_explained(grade: Grade) -> None:
    """Expected and actual, a picture, lines, something to think about, where to read on."""
    result = grade("day53", 2, "--file", IN_TURN)
    assert result.exit_code == 1
    for words in (
        "2 · Concurrent operations",
        "2_awaited_in_turn.py:10",
        "✘ The dashboard takes as long as its slowest fetch",
        "expected  2.00 s     got  4.50 s",
        "fetch_user ",
        "█",
        "Lines 10, 11 and 12",
        "more: grade explain awaited-in-turn, grade hint day53 2",
        "0 of 1 exercises pass",
    ):
        assert words in result.output


def test_all_shows_every_failing_exercise_in_detail(grade: Grade) -> None:
    """Without it, the first is shown so, and the rest has a line each with its reason."""
    few = grade("day53", "--file", IN_TURN).output
    assert few.count("more: grade explain") == 1
    assert few.count("not yet: factory missing") == 6
    assert few.count("not yet: awaited in turn") == 1
    every = grade("day53", "--file", IN_TURN, "--all").output
    assert every.count("more: grade explain") == 8
    assert "not yet" not in every


# What to grade


def test_only_the_exercises_asked_for_are_graded(grade: Grade) -> None:
    """In the order in which they were asked for."""
    result = grade("day53", 4, 2, "--file", SOLUTION, "--format", "json")
    report = report_of(result)
    assert [exercise["number"] for exercise in report["exercises"]] == [4, 2]
    assert (report["passed"], report["total"]) == (2, 2)


def test_exercise_asked_for_twice_is_graded_once(grade: Grade) -> None:
    report = report_of(grade("day53", 2, 2, "--file", SOLUTION, "--format", "json"))
    assert [exercise["number"] for exercise in report["exercises"]] == [2]


def test_file_of_the_workspace_is_graded(grade: Grade, workspace: Path) -> None:
    """Also from a folder below it."""
    shutil.copy(SOLUTION, workspace / "exercises" / "day53" / "exercise.py")
    os.chdir(workspace / "exercises")
    result = grade("day53", 2, "--format", "json")
    assert result.exit_code == 0
    assert report_of(result)["file"] == "day53/exercise.py"


def test_grade_alone_says_where_the_learner_stands(grade: Grade, workspace: Path) -> None:
    """For each lesson a line for each exercise, and the command to run next."""
    result = grade()
    assert result.exit_code == 1
    assert overviews(result) == {one.name: ["·"] * len(one.exercises) for one in LESSONS}
    for lesson in LESSONS:
        assert f"{lesson.name}: 0 of {len(lesson.exercises)} pass\n" in result.output
        assert f"Next: grade {lesson.name} 1 " in result.output


def test_grade_alone_goes_on_after_what_passes(grade: Grade, workspace: Path) -> None:
    file = workspace / "exercises" / "day53" / "exercise.py"
    text = SOLUTION.read_text("utf-8")
    file.write_text(text[: text.index("def exercise_4")], "utf-8")
    result = grade()
    assert overviews(result)["day53"] == ["✔", "✔", "✔", *"✘✘✘✘✘"]
    assert "day53: 3 of 8 pass" in result.output
    assert "Next: grade day53 4" in result.output


def test_grade_alone_has_nothing_more_to_ask_in_a_finished_lesson(
    grade: Grade, workspace: Path
) -> None:
    """It still asks for the other lessons."""
    shutil.copy(SOLUTION, workspace / "exercises" / "day53" / "exercise.py")
    result = grade()
    assert result.exit_code == 1
    assert "day53: 8 of 8 pass" in result.output
    assert re.findall(r"Next: grade (\S+)", result.output) == NAMES[1:]


def test_grade_alone_is_content_with_a_finished_course(grade: Grade, workspace: Path) -> None:
    for name in NAMES:
        folder = workspace / "exercises" / name
        folder.mkdir(exist_ok=True)
        shutil.copy(ROOT / "solutions" / name / "solution.py", folder / "exercise.py")
    result = grade()
    assert result.exit_code == 0
    assert overviews(result) == {one.name: ["✔"] * len(one.exercises) for one in LESSONS}
    assert "Next" not in result.output


# Formats


def test_json_has_the_form_that_is_promised(grade: Grade) -> None:
    report = json.loads(grade("day53", 2, "--file", IN_TURN, "--format", "json").stdout)
    assert list(report) == [
        "version", "lesson", "file", "passed", "total", "seconds", "seed", "notes", "exercises",
    ]  # fmt: skip
    assert report["version"] == 2
    assert (report["lesson"], report["passed"], report["total"]) == ("day53", 0, 1)
    [exercise] = report["exercises"]
    assert list(exercise) == ["number", "title", "status", "checks"]
    assert (exercise["number"], exercise["status"]) == (2, "failed")
    for check in exercise["checks"]:
        assert list(check) == ["id", "says", "status", "expected", "actual", "diagnoses"]
        assert check["status"] in ("passed", "failed")
        assert bool(check["diagnoses"]) == (check["status"] == "failed")
        for diagnosis in check["diagnoses"]:
            assert list(diagnosis) == ["id", "line", "text", "explained_by"]
            assert re.fullmatch("[a-z]+(-[a-z]+)*", diagnosis["id"])
            assert diagnosis["line"] is None or diagnosis["line"] > 0
            assert diagnosis["text"]


def test_json_is_all_that_is_printed(grade: Grade, tmp_path: Path) -> None:
    """Also when the file prints, and writes to the standard output past Python."""
    file = tmp_path / "loud.py"
    file.write_text(
        f"import os\nos.write(1, b'{{}}')\nprint('{{}}')\n{SOLUTION.read_text('utf-8')}", "utf-8"
    )
    assert report_of(grade("day53", 2, "--file", file, "--format", "json"))["passed"] == 1


@pytest.mark.parametrize("file", [SOLUTION, IN_TURN], ids=["solution", "mistake"])
def test_same_seed_gives_the_same_json(grade: Grade, file: Path) -> None:
    """But for the time that grading took."""
    first, second = (
        report_of(grade("day53", 2, 6, "--file", file, "--format", "json", "--seed", 5))
        for _ in range(2)
    )
    assert first == second
    assert first["seed"] == 5


def test_seed_of_a_run_is_said_and_other_seeds_draw_other_values(grade: Grade) -> None:
    file = MISTAKES / "6_failures_left_out.py"
    run = ("day53", 6, "--file", file, "--format", "json")
    first, other = (report_of(grade(*run, "--seed", seed)) for seed in (1, 2))
    assert f"seed {first['seed']}" in grade("day53", 6, "--file", file, "--seed", 1).output
    assert first["exercises"] != other["exercises"]
    assert [e["status"] for e in first["exercises"]] == [e["status"] for e in other["exercises"]]


def test_plain_and_rich_say_the_same(grade: Grade) -> None:
    run = ("day53", 2, "--file", IN_TURN, "--seed", 1)
    plain, rich = (
        re.sub(r"[\d.]+ s, seed", "seed", grade(*run, "--format", style).output)
        for style in ("plain", "rich")
    )
    assert plain == rich


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("file", [IN_TURN, MISTAKES / "7_json_array.py"], ids=lambda f: f.stem)
def test_output_keeps_to_the_columns(
    grade: Grade, tmp_path: Path, file: Path, columns: int
) -> None:
    shutil.copy(file, tmp_path / "my.py")
    result = grade("day53", "--all", "--file", "my.py", COLUMNS=str(columns))
    assert max(map(len, result.output.splitlines())) <= columns


# Wrong usage


@pytest.mark.parametrize(
    ("words", "problem", "remedy"),
    [
        (["day99"], "there is no lesson 'day99'", "the lessons are: day53"),
        (["Day53"], "there is no lesson 'Day53'", "day53"),
        (["53"], "there is no lesson '53'", "day53"),
        (["day53", "9"], "day53 has no exercise 9", "its exercises are 1, 2, 3, 4, 5, 6, 7, 8"),
        (["day53", "2", "9"], "day53 has no exercise 9", "1, 2, 3, 4, 5, 6, 7, 8"),
        (["day53", "two"], "two", "1, 2, 3, 4, 5, 6, 7, 8"),
        (["day53", "--file", "nowhere.py"], "nowhere.py", "check the path"),
        (["day53", "--file", "."], "is a folder", "name the Python file in it"),
        (["--file", "my.py"], "--file needs a lesson", "grade day53 --file my.py"),
        (["hint", "day99", "1"], "there is no lesson 'day99'", "the lessons are: day53"),
        (["hint", "day53", "9"], "day53 has no exercise 9", "1, 2, 3, 4, 5, 6, 7, 8"),
        (["day53", "--format", "xml"], "xml", "json"),
        (["day53", "--seed", "-1"], "--seed", "--help"),
        (["day53", "--bogus"], "--bogus", "--help"),
        (["reset", "day53"], "EXERCISE", "--help"),
    ],
)
def test_wrong_usage_is_told_what_is_right(
    grade: Grade, words: list[str], problem: str, remedy: str
) -> None:
    """What was wrong, what there is, and exit 2."""
    result = grade(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert problem in result.output
    assert remedy in result.output
    assert "Traceback" not in result.output


def test_missing_exercise_file_is_wrong_input(grade: Grade, workspace: Path) -> None:
    (workspace / "exercises" / "day53" / "exercise.py").unlink()
    result = grade("day53")
    assert result.exit_code == 2
    assert "exercise.py cannot be read" in result.output


def test_link_that_leads_to_itself_is_wrong_input(grade: Grade, tmp_path: Path) -> None:
    (tmp_path / "loop.py").symlink_to("loop.py")
    result = grade("day53", "--file", "loop.py")
    assert result.exit_code == 2
    assert "loop.py is a link" in result.output


@pytest.mark.parametrize("words", [["--help"], ["check", "--help"], ["hint", "--help"]])
def test_help_gives_examples(grade: Grade, words: list[str]) -> None:
    result = grade(*words)
    assert result.exit_code == 0
    assert "Usage: grade" in result.output
    assert "Example" in result.output
    assert "  grade " in result.output


def test_version_is_said(grade: Grade) -> None:
    result = grade("--version")
    assert result.exit_code == 0
    assert re.match(r"grade, version \S+\n", result.output)


# The grader breaks


@pytest.fixture
def checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of checks to write, in the place of the lesson's own."""
    folder = tmp_path / "checks"
    folder.mkdir()
    monkeypatch.setattr(catalog.Course, "checks", lambda _, lesson: folder / "test_day53.py")
    # pytest does not read a module again that is there. Set, it is restored in the end.
    monkeypatch.setitem(sys.modules, "test_day53", sys)
    del sys.modules["test_day53"]
    return folder / "test_day53.py"


@pytest.mark.parametrize(
    "body",
    [
        "raise KeyError('x')",
        "assert False",
        "import pytest; pytest.skip('not now')",
        "import pytest; pytest.xfail('not yet')",
        "assert_same(elapsed, of=scenario(get('/')))",
        "assert_same(elapsed, of=scenario())",
    ],
)
def test_check_that_breaks_is_not_the_learners_fault(grade: Grade, checks: Path, body: str) -> None:
    """Exit 3, and it is said; a check that was skipped has not passed."""
    checks.write_text(
        "from grader.checks import assert_same, elapsed, exercise, get, scenario\n\n\n"
        f"@exercise(2)\ndef test_it():\n    '''It works.'''\n    {body}\n"
    )
    result = grade("day53", 2, "--file", SOLUTION)
    assert result.exit_code == 3
    assert "not your answer's fault" in result.output
    assert "0 of 1 exercises pass" in result.output


@pytest.mark.parametrize(
    "text", ["def broken(:\n", "import nothing_like_it\n", "raise SystemExit(0)\n"]
)
def test_checks_that_cannot_be_read_break_the_grader(grade: Grade, checks: Path, text: str) -> None:
    checks.write_text(text)
    result = grade("day53", 2, "--file", SOLUTION)
    assert result.exit_code == 3
    assert "the checks of day53 cannot be run" in result.output


def test_exercise_without_checks_does_not_pass(grade: Grade, checks: Path) -> None:
    checks.write_text("")
    assert grade("day53", 2, "--file", SOLUTION).exit_code == 3


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (RuntimeError("boom"), 3, "RuntimeError: boom"),
        (RuntimeError("boom"), 3, "this is not your fault: please report the text above"),
        (GraderError("no content", "install again"), 3, "grade: no content\n       install again"),
        (KeyboardInterrupt(), 130, "grade: stopped"),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_error_of_the_grader_is_owned(
    grade: Grade,
    grading: Grading,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    status: int,
    words: str,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(grading, "grade", fail)
    result = grade("day53")
    assert result.exit_code == status
    assert words in result.output


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["compltion", "bash"], "did you mean: grade completion"),
        (["4"], "the lesson comes before the exercise, as in day53 4"),
        (["day99"], f"the lessons are: {', '.join(NAMES)}"),
    ],
)
def test_what_is_mistyped_is_told_what_it_may_have_been(
    grade: Grade, words: list[str], remedy: str
) -> None:
    result = grade(*words)
    assert result.exit_code == 2
    assert f"       {remedy}\n" in result.output


def test_what_is_to_do_is_told_what_it_asks_for(grade: Grade, workspace: Path) -> None:
    result = grade("day53", 2)
    assert result.exit_code == 1
    assert 'GET /dashboard answers {"user": ..., "orders": ..., "stats": ...}.' in result.output


def test_after_a_pass_the_next_one_is_named(grade: Grade, workspace: Path) -> None:
    shutil.copy(SOLUTION, workspace / "exercises" / "day53" / "exercise.py")
    result = grade("day53", 1)
    assert result.exit_code == 0
    assert "Next: exercise 2, Concurrent operations: grade day53 2\n" in result.output


def test_after_a_pass_in_another_file_the_next_one_is_named(grade: Grade, workspace: Path) -> None:
    result = grade("day53", "--file", SOLUTION, 1)
    assert result.exit_code == 0
    assert "Next: exercise 2, Concurrent operations: grade day53 2\n" in result.output


# Hints


def test_each_hint_goes_a_step_further(grade: Grade) -> None:
    """The last one stays. An earlier one can be shown again, which isn't a step back."""
    for step in (1, 2):
        result = grade("hint", "day53", 2)
        assert result.exit_code == 0
        assert result.output.startswith(f"Exercise 2, hint {step} of 3\n")
        assert result.output.endswith("\nmore: grade hint day53 2\n")
    first = grade("hint", "day53", 2, "--step", 1).output
    assert first.startswith("Exercise 2, hint 1 of 3\n")
    last = grade("hint", "day53", 2).output
    assert last.startswith("Exercise 2, hint 3 of 3\n")
    assert last.endswith("\nThat was the last one. Try it: grade day53 2\n")
    assert grade("hint", "day53", 2).output == last
    assert grade("hint", "day53", 2, "--step", 99).output == last


def test_a_hint_names_the_section_to_read_as_a_command(grade: Grade) -> None:
    assert (
        "grade lesson day53 concurrent-operations" in grade("hint", "day53", 2, "--step", 2).output
    )


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6, 7, 8])
def test_every_exercise_has_a_hint(grade: Grade, number: int) -> None:
    result = grade("hint", "day53", number)
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 3


# The command as a process


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    env |= {"PYTHONPATH": str(ROOT)} | options.pop("env", {})
    return subprocess.run(
        [sys.executable, "-m", "grader", *words],
        env=env,
        check=False,
        encoding="utf-8",
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


def test_pipe_gets_eighty_columns_without_colour() -> None:
    done = run("day53", "2", "--file", str(IN_TURN), cwd=MISTAKES)
    assert (done.returncode, done.stderr) == (1, "")
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) == 80


@pytest.mark.parametrize("style", ["rich", "plain", "json"])
def test_terminal_that_knows_only_ascii_is_no_reason_to_break(style: str) -> None:
    """Signs that it does not know are replaced; the verdict arrives."""
    done = run(
        "day53", "2", "--file", str(IN_TURN), "--format", style, env={"PYTHONIOENCODING": "ascii"}
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "The dashboard takes as long as its slowest fetch" in done.stdout


@pytest.mark.parametrize("style", ["rich", "json"])
def test_reader_that_goes_away_is_no_error_of_the_grader(style: str) -> None:
    """As in `grade day53 | head -0`."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        done = run("day53", "2", "--file", str(IN_TURN), "--format", style, stdout=pipe)
    assert done.returncode != 3
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "env", "colours", "escapes"),
    [
        ([], {}, True, True),
        ([], {"NO_COLOR": "1"}, False, None),
        (["--format", "plain"], {}, False, False),
    ],
    ids=["rich", "NO_COLOR", "plain"],
)
def test_terminal_of_sixty_columns(
    words: list[str], env: dict[str, str], colours: bool, escapes: bool | None
) -> None:
    """The same text on each; colour only where it is wanted, and in `plain` no escapes at all."""
    text = on_terminal(60, "day53", "2", "--file", IN_TURN.name, *words, env=env)
    bare = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert bool(re.search(r"\x1b\[[\d;]*3\dm", text)) == colours
    assert escapes in (None, "\x1b" in text)
    assert "\x1b" not in bare
    assert "0 of 1 exercises pass" in bare
    assert max(map(len, bare.splitlines())) == 60


def on_terminal(columns: int, *words: str, env: dict[str, str]) -> str:
    """What the command writes to a terminal."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    done = run(*words, cwd=MISTAKES, env={"TERM": "xterm"} | env, stdout=its)
    os.close(its)
    assert (done.returncode, done.stderr) == (1, "")
    written = b""
    with os.fdopen(ours, "rb", buffering=0) as end:
        try:
            while part := end.read(65536):
                written += part
        except OSError:
            pass  # how Linux says that the other end is closed
    return written.decode()


# What else is said


def test_all_shows_the_reason_of_each_check_that_fails(grade: Grade) -> None:
    """Also of a single exercise, unless it is the reason of the first one."""
    mistake = MISTAKES / "2_host_leaked_password_cut.py"
    briefly, whole = (grade("day53", 2, "--file", mistake, *more) for more in ((), ("--all",)))
    assert briefly.exit_code == whole.exit_code == 1
    assert len(whole.output) >= len(briefly.output)


def test_verdict_names_the_section_to_read(grade: Grade) -> None:
    told = grade("day53", 2, "--file", IN_TURN).output
    assert "    read: grade lesson day53 concurrent-operations\n" in told


def test_a_file_that_cannot_be_imported_is_not_to_do(grade: Grade, workspace: Path) -> None:
    """Whether anything is written in it yet or not."""
    file = workspace / "exercises" / "day53" / "exercise.py"
    file.write_text("import nosuchmodule\n" + STUB.read_text("utf-8"), "utf-8")
    result = grade("day53", 4)
    assert result.exit_code == 1
    assert "Line 1 raises ModuleNotFoundError: No module" in result.output
    assert "to do" not in grade("day53").output


def test_json_of_several_lessons_is_one_document(grade: Grade, workspace: Path) -> None:
    found = json.loads(grade("--format", "json").stdout)
    assert list(found) == ["version", "reports"]
    assert [report["lesson"] for report in found["reports"]] == NAMES


def test_hints_are_on_the_page_only_if_asked_for(grade: Grade, workspace: Path) -> None:
    grade("day53", 2, "--html", "without.html")
    grade("day53", 2, "--html", "with.html", "--hints")
    texts = [(workspace / f"{name}.html").read_text("utf-8") for name in ("without", "with")]
    assert ["Hint 1 of 3" in text for text in texts] == [False, True]
    assert grade("day53", "--hints").exit_code == 2
