"""What a player can reach, and what is left of it: about 10 s.

A kernel that lacks something is made of this one, by a filter that refuses the call.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from textwrap import indent

import pytest

from grader import get, scenario
from grader.course.catalog import course, lesson
from grader.judge.players import FilePlayer, Subject
from grader.judge.workers import Worker
from grader.model.trace import Trace
from grader.processes.isolation import isolation
from grader.processes.scratch import make_scratch, remove_scratch
from grader.processes.shared_memory import can_have_own_shared_memory

able = isolation()
needs_landlock = pytest.mark.skipif(not able.landlock, reason="the kernel has no Landlock")
needs_seccomp = pytest.mark.skipif(not able.seccomp, reason="the kernel has no seccomp")
needs_scopes = pytest.mark.skipif(not able.keeps_signals, reason="its Landlock is too old")


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with closing(Worker()) as worker:
        yield worker


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the graded file is, with a helper and something private beside the folder."""
    folder = tmp_path / "exercises"
    folder.mkdir()
    (folder / "helper.py").write_text("WORD = 'helped'\n")
    (tmp_path / "private").write_text("secret")
    return folder


IMPORTS = """
import ctypes, os, resource, socket, sys
from pathlib import Path
from fastapi import FastAPI
"""


def text_of(body: str) -> str:
    """A file whose factory does this."""
    function = indent(f"{body}\nreturn FastAPI()", "    ")
    return f"{IMPORTS}\ndef exercise_1():\n{function}\n"


def trace_of(worker: Worker, folder: Path, body: str) -> Trace:
    """A play whose factory does this."""
    text = text_of(body)
    path = str(folder / "exercise.py")
    with closing(FilePlayer(worker, text, path, hidden=course().hidden)) as player:
        return Subject(player, "exercise_1").play(scenario())


def error_of(trace: Trace) -> str:
    """The class of what the factory raised; empty if it raised nothing."""
    return trace.outcome.failure.type if trace.outcome.failure else ""


SOLUTION = str(course().solution(lesson("day53")))
CHECKS = str(course().checks(lesson("day53")))

FILES_KEPT_FROM_IT = {
    "reads what is private": "open('{folder}/../private')",
    "lists a folder beside its own": "os.listdir('{folder}/..')",
    "reads the solution": f"open({SOLUTION!r})",
    "reads the checks": f"open({CHECKS!r})",
    "reads the home directory": "os.listdir(Path.home())",
    "reads the memory of the judge": "open(f'/proc/{judge}/mem')",
    "reads the environment of the judge": "open(f'/proc/{judge}/environ')",
    "writes beside itself": "open('{folder}/written', 'w')",
    "changes the helper": "open('{folder}/helper.py', 'a')",
    "changes the grader": "import grader; open(grader.__file__, 'a')",
    "puts a module beside Python's": "open(os.__file__ + '.new', 'w')",
    "links to what is private": "os.link('{folder}/../private', 'mine')",
    "removes itself": "os.rename('{folder}/helper.py', 'mine')",
    "makes a device": "os.mkfifo('/dev/shm/fifo')",
}


@needs_landlock
@pytest.mark.parametrize("body", FILES_KEPT_FROM_IT.values(), ids=FILES_KEPT_FROM_IT)
def test_player_is_kept_from(worker: Worker, folder: Path, body: str) -> None:
    code = body.replace("{folder}", str(folder)).replace("{judge}", str(os.getpid()))
    found = trace_of(worker, folder, code)
    assert error_of(found) in ("PermissionError", "OSError"), found.outcome


def test_player_can_do_what_an_app_does(worker: Worker, folder: Path) -> None:
    """Helpers, packages, files of its own, programs, a pool of processes."""
    body = """
import concurrent.futures, email.mime.text, sqlite3, subprocess, tempfile
import helper
Path("app.log").write_text("here")
with tempfile.NamedTemporaryFile() as file, sqlite3.connect("app.db") as database:
    database.execute("create table t (x)")
with concurrent.futures.ProcessPoolExecutor(1) as pool:
    print(helper.WORD, Path("app.log").read_text(), pool.submit(abs, -1).result())
print(subprocess.run(["echo", "said"], capture_output=True, text=True).stdout)
os.nice(1)
os.sched_setaffinity(0, os.sched_getaffinity(0))
resource.setrlimit(resource.RLIMIT_CORE, resource.getrlimit(resource.RLIMIT_CORE))
"""
    found = trace_of(worker, folder, body)
    assert (found.outcome.kind, found.output) == ("finished", "helped here 1\nsaid\n\n")
    assert sorted(os.listdir(folder)) == ["helper.py"]


CALLS_REFUSED = {
    "memory without a name": "os.memfd_create('x')",
    "another family of sockets": "socket.socket(40, socket.SOCK_STREAM)",
    "a namespace": "ctypes.CDLL(None).unshare(0x10000000) and os.stat('nothing')",
    "memory of System V": "ctypes.CDLL(None).shmget(1, 4096, 0o1600) < 0 and os.stat('nothing')",
    "a queue of POSIX's": "ctypes.CDLL(None).mq_open(b'/x', 0o102, 0o600, 0) < 0 and os.stat('no')",
    "who may read a file": "os.chmod('{folder}/helper.py', 0)",
    "who may read an open file": "os.fchmod(os.open('{folder}/helper.py', os.O_RDONLY), 0)",
    "whose a file is": "os.chown('{folder}/helper.py', os.getuid(), os.getgid())",
    "when a file was changed": "os.utime('{folder}/helper.py')",
    "another's limits": "resource.prlimit({judge}, resource.RLIMIT_CPU)",
    "another's processors": "os.sched_setaffinity({judge}, os.sched_getaffinity(0))",
    "another's priority": "os.setpriority(os.PRIO_PROCESS, {judge}, 19)",
    "the priority of all": "os.setpriority(os.PRIO_USER, 0, 19)",
    "another's open file": (
        "libc = ctypes.CDLL(None, use_errno=True); libc.syscall(438, -1, 0, 0)  # pidfd_getfd\n"
        "if ctypes.get_errno() == 1: os.stat('nothing')"
    ),
    "tracing": "ctypes.CDLL(None).ptrace(0, 0, 0, 0) and os.stat('nothing')",
}


@needs_seccomp
@pytest.mark.parametrize("body", CALLS_REFUSED.values(), ids=CALLS_REFUSED)
def test_player_is_refused(worker: Worker, folder: Path, body: str) -> None:
    code = body.replace("{folder}", str(folder)).replace("{judge}", str(os.getpid()))
    assert error_of(trace_of(worker, folder, code)) in (
        "PermissionError",
        "OSError",
        "FileNotFoundError",
    )


@needs_seccomp
@pytest.mark.parametrize("limit", ["AS", "CPU", "FSIZE", "NOFILE", "CORE"])
def test_player_cannot_raise_a_limit_of_its_own(worker: Worker, folder: Path, limit: str) -> None:
    body = f"""
soft, hard = resource.getrlimit(resource.RLIMIT_{limit})
resource.setrlimit(resource.RLIMIT_{limit}, (soft + 1, max(hard, soft + 1)))
"""
    assert error_of(trace_of(worker, folder, body)) == "ValueError"


@needs_scopes
@pytest.mark.parametrize("target", [os.getpid(), 1], ids=["tests", "init"])
def test_player_signals_nothing_but_its_own(worker: Worker, folder: Path, target: int) -> None:
    """Also past Python."""
    body = f"print(ctypes.CDLL(None).kill({target}, 0))"
    assert trace_of(worker, folder, body).output == "-1\n"


def test_scratch_folder_goes_with_its_player(worker: Worker, folder: Path) -> None:
    """Whatever has become of it."""
    body = """
scratch = os.getcwd()
os.mkdir("sub", 0o300)
Path("sub/file").write_text("x")
for _ in range(1200):
    os.mkdir("deep")
    os.chdir("deep")
print(scratch)
"""
    scratch = trace_of(worker, folder, body).output.strip()
    assert scratch
    worker.fork().end()  # which waits until the one before has been cleared away
    assert not Path(scratch).exists()


@needs_seccomp
def test_nothing_survives_a_forkserver_that_is_killed(folder: Path) -> None:
    """Neither a player nor what it has started, in a session of its own."""
    body = """
child = os.fork()
if not child:
    os.setsid()
    while True: signal.pause()
print(os.getppid(), os.getpid(), child, os.getcwd())
"""
    with closing(Worker()) as worker:
        source = f"import signal\n{text_of(body)}"
        player = FilePlayer(worker, source, str(folder / "exercise.py"))
        *pids, scratch = Subject(player, "exercise_1").play(scenario()).output.split()
        forkserver, *rest = map(int, pids)
        ends = [os.pidfd_open(pid) for pid in rest]
        os.kill(forkserver, signal.SIGKILL)
        Subject(player, "exercise_1").play(scenario(get("/")))
        for end in ends:
            assert select.select([end], [], [], 60)[0]
            os.close(end)
        assert not Path(scratch).exists()
        player.close()


@pytest.mark.skipif(not can_have_own_shared_memory(), reason="the kernel refuses a /dev/shm")
def test_shared_memory_goes_with_its_player(worker: Worker, folder: Path) -> None:
    """Whether it was made by Python or past it."""
    body = """
from multiprocessing import shared_memory
shared_memory.SharedMemory("left-by-python", create=True, size=4096)
Path("/dev/shm/left-by-hand").write_text("x")
print(sorted(os.listdir("/dev/shm")))
"""
    found = trace_of(worker, folder, body)
    assert found.output == "['left-by-hand', 'left-by-python']\n", found.outcome
    assert not set(os.listdir("/dev/shm")) & {"left-by-hand", "left-by-python"}


def test_scratch_folder_that_is_gone_already_is_no_error() -> None:
    folder = make_scratch()
    os.rmdir(folder)
    remove_scratch(folder)


# Kernels that lack something


WITHOUT = """
import ctypes, errno, sys
from grader.processes import seccomp
seccomp.install([(0x20, 0, 0, 0), *seccomp.refusal({call}, errno.ENOSYS), (6, 0, 0, 0x7FFF0000)])
"""
LANDLOCK = 444


def on_a_kernel_without(call: int, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program where the kernel does not know a system call."""
    code = WITHOUT.format(call=call) + program
    return subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=False)


@needs_seccomp
def test_kernel_without_landlock_is_told() -> None:
    program = """
from grader.processes.isolation import isolation
print(isolation().landlock, isolation().is_whole, isolation().lacks)
"""
    assert on_a_kernel_without(LANDLOCK, program).stdout == "0 False its kernel has no Landlock\n"


@needs_seccomp
def test_apps_are_played_without_landlock(folder: Path) -> None:
    file = folder / "exercise.py"
    file.write_text("from fastapi import FastAPI\ndef exercise_1():\n    return FastAPI()\n")
    program = f"""
from contextlib import closing
from pathlib import Path
from grader import scenario
from grader.judge.players import FilePlayer, Subject
from grader.judge.workers import Worker
with closing(Worker()) as worker:
    player = FilePlayer(worker, Path({str(file)!r}).read_text(), {str(file)!r})
    print(Subject(player, "exercise_1").play(scenario()).outcome.kind)
    player.close()
"""
    found = on_a_kernel_without(LANDLOCK, program)
    assert found.stdout == "finished\n", found.stderr


GRADE = """
sys.argv = ["grade", "day53", "4", "--file", {file!r}, "--format", "json", *{words!r}]
from grader.__main__ import main
main()
"""


@needs_seccomp
def test_report_says_that_the_file_was_not_shut_in() -> None:
    found = on_a_kernel_without(LANDLOCK, GRADE.format(file=SOLUTION, words=[]))
    report = json.loads(found.stdout)
    assert report["passed"] == 1
    assert report["notes"] == [
        "This machine can't shut the file in (its kernel has no Landlock): it ran with your "
        "rights. SECURITY.md says what that means."
    ]


@needs_seccomp
def test_grading_is_refused_where_isolation_is_required_and_cannot_be_had() -> None:
    program = GRADE.format(file=SOLUTION, words=["--isolation", "required"])
    found = on_a_kernel_without(LANDLOCK, program)
    assert (found.returncode, found.stdout) == (2, "")
    assert "grade: this machine can't shut a file in: its kernel has no Landlock" in found.stderr


@needs_landlock
@needs_seccomp
def test_grading_goes_on_where_isolation_is_required_and_there() -> None:
    words = [sys.executable, "-m", "grader", "day53", "4", "--file", SOLUTION, "--format", "json"]
    done = subprocess.run([*words, "--isolation", "required"], capture_output=True, check=True)
    assert json.loads(done.stdout)["notes"] == []


# The environment, and what is imported


def test_player_has_no_variables_but_those_it_needs(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", "/tmp/output")
    monkeypatch.setenv("SOME_API_KEY", "secret")
    with closing(Worker()) as worker:
        found = trace_of(worker, folder, "print(*sorted(os.environ))")
    names = found.output.split()
    assert "PATH" in names
    assert not {"GITHUB_OUTPUT", "SOME_API_KEY"} & {*names}


@pytest.mark.parametrize("name", ["msvcrt", "json", "rich", "grader_extension", "winreg"])
def test_nothing_is_imported_from_the_current_folder(tmp_path: Path, name: str) -> None:
    """Neither in place of a module that there is, nor as one that is only looked for."""
    (tmp_path / f"{name}.py").write_text("open('imported', 'w')\nraise ModuleNotFoundError\n")
    words = [sys.executable, "-m", "grader", "day53", "4", "--file", SOLUTION, "--format", "plain"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path) == [f"{name}.py"]
