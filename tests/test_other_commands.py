"""The commands around grading: list, next, serve, notebook, doctor, init, completion."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import httpx
import psycopg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from grader.commands import examinations
from grader.commands.authors import AUTHORS_COMMANDS
from grader.commands.classes import CLASS_COMMANDS
from grader.commands.examinations import ExaminationResult
from grader.commands.group import COMMANDS, main
from grader.course import catalog
from grader.course.answers import Answers
from grader.course.progress import Progress, ProgressFile, QuizAnswer
from grader.model.report import ExerciseStatus

ROOT = Path(__file__).parents[1]
SOLUTION = ROOT / "solutions" / "day53" / "solution.py"
DAY53 = catalog.lesson("day53")

Grade = Callable[..., Result]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's folder, which the commands are called in."""
    shutil.copytree(ROOT / "exercises", tmp_path / "exercises")
    shutil.copy(ROOT / "course.toml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(catalog, "carried_root", lambda: ROOT)
    return tmp_path


def grade(*words: object, **options: Any) -> Result:
    return CliRunner().invoke(main, [*map(str, words)], prog_name="grade", **options)


def environment(**more: str) -> dict[str, str]:
    """Of a process that runs this very code, in a terminal of 80 columns."""
    ours = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return ours | {"PYTHONPATH": str(ROOT)} | more


# Help


def commands() -> dict[str, click.Command]:
    context = click.Context(main)
    return {name: main.get_command(context, name) for name in main.list_commands(context)}  # type: ignore[misc]


_DECLARES = re.compile(r"^@click\.(command|group)\(\s*\"", re.MULTILINE)


def test_every_module_of_a_command_is_listed() -> None:
    texts = {f.stem: f.read_text("utf-8") for f in (ROOT / "grader" / "commands").glob("*.py")}
    assert set(COMMANDS) == {name for name, text in texts.items() if _DECLARES.search(text)}


OF_GROUPS = (*(f"dev {name}" for name in AUTHORS_COMMANDS), *(f"class {n}" for n in CLASS_COMMANDS))


@pytest.mark.parametrize("name", [*COMMANDS, *OF_GROUPS])
def test_every_command_has_an_example_in_its_help(name: str) -> None:
    result = grade(*name.split(), "--help")
    assert result.exit_code == 0
    assert re.search(r"Examples?:\n +grade ", result.output)


@pytest.mark.parametrize("words", [["--help"], ["list"], ["hint", "day53", "2"], ["next"]])
def test_what_only_reads_loads_neither_the_app_nor_the_tests(
    workspace: Path, words: list[str]
) -> None:
    """A learner should not wait for what is not used."""
    code = (
        "import atexit, os, sys\n"
        "os._exit = lambda code: (print(sorted(sys.modules), file=sys.stderr), sys.exit(code))\n"
        f"sys.argv = ['grade', *{words!r}]\n"
        "from grader.__main__ import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(),
        capture_output=True,
        text=True,
        cwd=workspace,
    )
    assert done.returncode == 0, done.stderr
    loaded = done.stderr.splitlines()[-1]
    for heavy in ("fastapi", "pytest", "asyncio", "httpx", "asyncpg"):
        assert f"'{heavy}'" not in loaded


# list and next


def note(workspace: Path, **statuses: ExerciseStatus) -> None:
    """Keep what gradings of the file as it is have found, by exercise."""
    with ProgressFile(workspace, pytest.fail).changing() as progress:
        text = (workspace / "exercises" / "day53" / "exercise.py").read_text()
        for name, status in statuses.items():
            exercise = DAY53.exercise(int(name.removeprefix("exercise_")))
            known = progress.exercise(DAY53, exercise)
            known.note(status, Answers(text).digest(exercise))


def solve_everything(workspace: Path) -> None:
    """Keep a verdict of `passed` for each exercise of each lesson."""
    with ProgressFile(workspace, pytest.fail).changing() as progress:
        for lesson in catalog.lessons():
            text = (workspace / "exercises" / lesson.name / "exercise.py").read_text()
            for exercise in lesson.exercises:
                digest = Answers(text).digest(exercise)
                progress.exercise(lesson, exercise).note("passed", digest)


def line_about(number: int) -> str:
    found = re.search(rf"^ +\S {number} · .*$", grade("list").output, re.MULTILINE)
    assert found is not None
    return " ".join(found[0].split())


def change(workspace: Path, old: str, new: str) -> None:
    file = workspace / "exercises" / "day53" / "exercise.py"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_the_list_has_each_exercise_with_its_state(workspace: Path) -> None:
    told = grade("list").output
    for lesson in catalog.lessons():
        facts = f"{lesson.minutes} min, 0 of {len(lesson.exercises)} solved"
        assert f"{lesson.name} · {lesson.title}  {facts}\n" in told
    assert line_about(2) == "· 2 · Concurrent operations to do"
    change(workspace, 'raise NotImplementedError("exercise 2")', "return FastAPI()")
    assert line_about(2) == "· 2 · Concurrent operations begun, not graded yet"
    note(workspace, exercise_2="failed")
    note(workspace, exercise_2="failed")
    assert line_about(2) == "✘ 2 · Concurrent operations not yet, 2 attempts"
    grade("hint", "day53", 2)
    change(workspace, "return FastAPI()", "return FastAPI( )")
    told = "✘ 2 · Concurrent operations not yet, changed since, 2 attempts, 1 hint"
    assert line_about(2) == told


def test_a_solved_exercise_says_when_and_whether_it_still_is(workspace: Path) -> None:
    note(workspace, exercise_1="passed")
    assert re.fullmatch(r"✔ 1 · Basic async solved on \d{4}-\d\d-\d\d, 1 attempt", line_about(1))
    note(workspace, exercise_1="failed")
    assert "but not now, 2 attempts" in line_about(1)
    assert "1 of 8 solved" in grade("list").output


def test_a_long_state_has_a_line_of_its_own_where_it_is_narrow(workspace: Path) -> None:
    note(workspace, exercise_2="failed")
    grade("hint", "day53", 2)
    change(workspace, 'raise NotImplementedError("exercise 2")', "return FastAPI()")
    lines = grade("list", env={"COLUMNS": "60"}).output.splitlines()
    at = lines.index("  ✘ 2 · Concurrent operations")
    assert lines[at + 1] == "      not yet, changed since, 1 attempt, 1 hint"
    assert max(map(len, lines)) <= 60


def test_the_list_counts_the_quiz(workspace: Path) -> None:
    assert "quiz" not in grade("list").output
    with ProgressFile(workspace, pytest.fail).changing() as progress:
        progress.lesson(DAY53).quiz |= {"1": QuizAnswer("a", True), "2": QuizAnswer("b", False)}
    assert "  quiz: 2 questions answered, 1 right\n" in grade("list").output


def test_next_is_the_first_unsolved_with_what_it_asks(workspace: Path) -> None:
    assert grade("next").output.startswith("day53 1 · Basic async\n")
    note(workspace, exercise_1="passed", exercise_2="failed")
    told = grade("next").output
    assert told.startswith("day53 2 · Concurrent operations\n  exercises/day53/exercise.py:")
    assert 'GET /dashboard answers {"user": ..., "orders": ..., "stats": ...}.' in told
    assert "grade hint day53 2" in told


def test_a_hint_is_for_what_is_next_unless_another_exercise_is_named(workspace: Path) -> None:
    note(workspace, exercise_1="passed")
    assert grade("hint").output.startswith("Exercise 2, hint 1 of 3\n")
    assert grade("hint", "day53").output.startswith("Exercise 2, hint 2 of 3\n")
    assert grade("hint", "day53", 4).output.startswith("Exercise 4, hint 1 of 3\n")
    solve_everything(workspace)
    result = grade("hint")
    assert result.exit_code == 2
    assert "you have solved everything" in result.output
    assert "grade hint day53 1" in result.output


def test_next_says_when_there_is_nothing_left(workspace: Path) -> None:
    solve_everything(workspace)
    assert grade("next").output.startswith("You have solved everything.")


@pytest.mark.parametrize("text", ["", "def exercise_1(:\n", None])
def test_list_and_next_need_no_sound_file(workspace: Path, text: str | None) -> None:
    file = workspace / "exercises" / "day53" / "exercise.py"
    file.unlink() if text is None else file.write_text(text)
    assert grade("list").exit_code == 0
    assert "· 2 · Concurrent operations" in grade("list").output
    assert grade("next").output.startswith("day53 1 · Basic async\n")


# serve


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def serving(workspace: Path, free_port: int) -> Iterator[Callable[..., httpx.Client]]:
    """Starts `grade serve` and gives a client of it, once it answers."""
    started: list[subprocess.Popen[str]] = []

    def serve(number: int) -> httpx.Client:
        command = ["-m", "grader", "serve", "day53", str(number), "--port", str(free_port)]
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=workspace,
            env=environment(PYTHONUNBUFFERED="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        wait_for(process, "Application startup complete")
        return httpx.Client(base_url=f"http://127.0.0.1:{free_port}")

    yield serve
    for process in started:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
        assert process.returncode == 0


def wait_for(process: subprocess.Popen[str], words: str) -> None:
    """Read what a process says, up to a line with these words."""
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if words in line:
            return
    raise AssertionError(told)


def test_an_app_with_a_database_is_served(
    workspace: Path, serving: Callable[..., httpx.Client]
) -> None:
    shutil.copy(SOLUTION, workspace / "exercises" / "day53" / "exercise.py")
    with serving(3) as client:
        made = client.post("/items", json={"name": "pen", "price": 2})
        assert (made.status_code, made.json()) == (201, {"id": 3, "name": "pen", "price": 2.0})
        assert [item["name"] for item in client.get("/items").json()] == ["lamp", "desk", "pen"]
        assert "swagger" in client.get("/docs").text.lower()


def test_a_port_that_is_taken_is_said(workspace: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = grade("serve", "day53", 1, "--port", port)
    assert result.exit_code == 2
    assert f"nothing can be served at 127.0.0.1:{port}: Address already in use" in result.output
    assert f"try --port {port + 1}" in result.output


@pytest.mark.parametrize(
    ("number", "text", "words"),
    [
        (2, None, "exercise_2 is still to do. Fill it in, and save."),
        (2, "x = 1\n", "There is no exercise_2 in "),
    ],
)
def test_what_cannot_be_served_is_said(
    workspace: Path, free_port: int, number: int, text: str | None, words: str
) -> None:
    """In the process that serves, which waits for the file to be saved again."""
    if text is not None:
        (workspace / "exercises" / "day53" / "exercise.py").write_text(text)
    process = subprocess.Popen(
        [sys.executable, "-m", "grader", "serve", "day53", str(number), "--port", str(free_port)],
        cwd=workspace,
        env=environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for(process, words)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)


def test_a_missing_file_is_not_served(workspace: Path) -> None:
    result = grade("serve", "day53", 1, "--file", "nowhere.py")
    assert (result.exit_code, "cannot be read" in result.output) == (2, True)


# notebook


def test_the_notebook_is_opened_from_the_workspace(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process becomes Jupyter's; what is Jupyter's own goes to it."""
    shutil.copytree(ROOT / "notebooks", workspace / "notebooks")
    called: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, words: called.append(words))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    grade("notebook", "day53", "--no-browser", "--port", 9999)
    file = str(workspace / "notebooks" / "day53.ipynb")
    rest = ["--no-browser", "--port", "9999"]
    served = f"--ServerApp.root_dir={workspace}"
    assert called == [[sys.executable, "-m", "jupyterlab", served, file, *rest]]


def test_a_missing_notebook_or_jupyter_is_said(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = grade("notebook", "day53")
    assert missing.exit_code == 2
    assert "notebooks/day53.ipynb is not there" in missing.output
    shutil.copytree(ROOT / "notebooks", workspace / "notebooks")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    without = grade("notebook", "day53")
    assert without.exit_code == 2
    assert 'python -m pip install ".[notebooks]"' in without.output


# init


def test_a_workspace_is_made_and_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = grade("init", "my-course")
    assert result.exit_code == 0
    assert result.output.endswith("  cd my-course\n  grade next\n")
    monkeypatch.chdir(tmp_path / "my-course")
    assert catalog.workspace() == tmp_path / "my-course"
    stub = (ROOT / "exercises" / "day53" / "exercise.py").read_text()
    assert (tmp_path / "my-course" / "exercises" / "day53" / "exercise.py").read_text() == stub
    names = {path.name for path in (tmp_path / "my-course").iterdir()}
    assert names == {"exercises", "lessons", "notebooks", "quizzes", "course.toml", ".gitignore"}
    assert grade("next").output.startswith("day53 1 · Basic async\n")


def test_what_is_there_is_never_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".gitignore").write_text("mine\n")
    (tmp_path / "notes.md").write_text("mine\n")
    assert grade("init", ".").exit_code == 0
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    (tmp_path / "exercises" / "day53" / "exercise.py").write_text("my answers")
    again = grade("init", ".")
    assert again.exit_code == 2
    assert "exercises is there already" in again.output
    assert (tmp_path / "exercises" / "day53" / "exercise.py").read_text() == "my answers"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = grade("init", tmp_path / "file" / "course")
    assert result.exit_code == 2
    assert "cannot be made: Not a directory" in result.output


# doctor


def test_a_healthy_machine_is_in_order(workspace: Path) -> None:
    """Everything is really tried: a play, a database of each kind."""
    result = grade("doctor")
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert any(line.startswith("✔ Virtual clock a second of sleep took ") for line in lines)
    assert any(re.match(r"✔ PostgreSQL PostgreSQL \d+\S* gave", line) for line in lines)
    assert "✔ MongoDB answers on the virtual clock" in lines
    assert f"✔ Workspace {workspace}" in lines


def test_what_is_missing_comes_with_its_remedy(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "exercises" / "day53" / "exercise.py").unlink()
    monkeypatch.setattr(examinations, "OLDEST", (9, 9))
    monkeypatch.setattr("importlib.metadata.requires", lambda name: ["nowhere>=1", "click>=99"])
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    result = grade("doctor")
    assert result.exit_code == 1
    signs = dict(re.findall(r"^([✔✘·]) (\w+)", result.output, re.MULTILINE))
    assert "✘ Python" in result.output
    assert "install Python 3.11 or newer" in result.output
    assert re.search(r"✘ Packages +missing: nowhere, click>=99 \(there is \d", result.output)
    assert re.search(r"✘ Workspace +.*exercise.py cannot be read", result.output)
    assert re.search(r"✘ PostgreSQL +\S.*\n    \S", result.output)
    assert "✔" in signs


def test_what_few_need_does_not_make_it_ill(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = ExaminationResult("Jupyter", "not installed", False, "install it", optional=True)
    monkeypatch.setattr(examinations, "examinations", lambda: [lambda: absent])
    result = grade("doctor")
    assert (result.exit_code, result.output.splitlines()[1]) == (0, "    install it")


# completion


def complete(words: str) -> list[str]:
    """What bash would offer after these words, asked through bash itself."""
    script = grade("completion", "bash").output + (
        f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
        "_grade_completion grade; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
    )
    # The command is called by its path, which here is the module.
    script = script.replace("$1)", f"{sys.executable} -m grader)")
    done = subprocess.run(
        ["bash", "-c", script], env=environment(), capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_the_shell_completes_commands_lessons_and_exercises() -> None:
    names = [lesson.name for lesson in catalog.lessons()]
    assert complete("grade da") == names
    assert complete("grade he") == []
    assert {"day53", "hint", "doctor"} <= set(complete("grade ''"))
    assert complete("grade hi") == ["hint"]
    assert complete("grade hint da") == names
    assert complete("grade hint day53 ''") == [str(e.number) for e in DAY53.all_exercises]
    assert complete("grade day53 3") == ["3"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_a_script_of_their_own(shell: str) -> None:
    assert f"_GRADE_COMPLETE={shell}_complete" in grade("completion", shell).output


def test_progress_is_empty_at_first(workspace: Path) -> None:
    assert ProgressFile(workspace, pytest.fail).read() == Progress()


def test_database_that_is_served_has_an_address_for_every_driver() -> None:
    """On loopback, by name and port; a path in a URL is not understood by all of them."""
    from grader.services.postgres.daemon.leases import lease
    from grader.services.postgres.forwarding import reachable

    async def ask(url: str) -> int:
        engine = create_async_engine(url)
        try:
            async with engine.connect() as connection:
                return int((await connection.execute(text("SELECT count(*) FROM t"))).scalar_one())
        finally:
            await engine.dispose()

    tables = "CREATE TABLE t (x int); INSERT INTO t VALUES (1), (2)"
    with lease(tables) as leased, reachable(leased.address) as address:
        assert "%2F" not in address.dsn
        bare = address.dsn.partition("://")[2].partition("?")[0]
        assert asyncio.run(ask(f"postgresql+asyncpg://{bare}")) == 2
        with psycopg.connect(address.dsn) as connection:
            assert connection.execute("SELECT count(*) FROM t").fetchone() == (2,)
