"""Files that are graded in containers of their own: about 12 s. They need bubblewrap."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from textwrap import indent

import pytest
from class_of import naps
from toy import write_course

from grader import get, postgres, scenario
from grader.course.catalog import course, lesson
from grader.judge.players import FilePlayer, Subject
from grader.judge.workers import Worker
from grader.model.trace import Trace
from grader.processes.cgroups import Cgroup as ControlGroup
from grader.processes.cgroups import Hierarchy, hierarchies, new_cgroup
from grader.processes.container import (
    FILES,
    PROCESSES,
    PROGRAMS,
    Container,
    Places,
    lacks_for_containers,
)
from grader.services.postgres.daemon.state import KeeperState
from grader.worker.enclosure import places

needs_containers = pytest.mark.skipif(bool(lacks_for_containers()), reason=lacks_for_containers())
SOLUTION = course().solution(lesson("day53"))


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with closing(Worker()) as worker:
        yield worker


IMPORTS = "import ctypes, os, signal, socket, subprocess, sys, time\nfrom pathlib import Path\n"


def trace_of(worker: Worker, folder: Path, body: str, **collaborators: object) -> Trace:
    """A play in a container, of a file whose factory does this."""
    function = indent(f"{body}\nreturn FastAPI()", "    ")
    names = ", ".join(collaborators)
    text = f"{IMPORTS}from fastapi import FastAPI\ndef exercise_1({names}):\n{function}\n"
    player = FilePlayer(worker, text, str(folder / "exercise.py"), is_contained=True)
    with closing(player):
        return Subject(player, "exercise_1").play(scenario(**collaborators))


def inside(container: Container, act: str) -> str:
    """What a process prints that was started in a container, and isn't shut in otherwise."""
    reads, writes = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writes, 1)
        container.enter()
        if not os.fork():
            os.execv("/bin/sh", ["sh", "-c", f"exec 2>&1; {act}"])
        os.wait()
        os._exit(0)
    os.close(writes)
    with open(reads) as said:
        text = said.read()
    os.waitpid(pid, 0)
    return text


@needs_containers
def test_container_has_what_it_is_shown_and_nothing_else(tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    for name in ("open", "hidden", "hidden/own"):
        (shown / name).mkdir(parents=True)
        (shown / name / "file").write_text(name)
    (tmp_path / "private").write_text("secret")
    hidden = str(shown / "hidden")
    found = Places((*PROGRAMS, str(shown)), covered=(hidden,), beside=(f"{hidden}/own",))
    with closing(Container(found)) as container:
        assert inside(container, f"cat {shown}/open/file {hidden}/own/file") == "openhidden/own"
        for refused in (f"cat {hidden}/file", f"cat {tmp_path}/private", "ls /root /home /etc"):
            assert "No such file" in inside(container, refused)
        for path in (shown, "/usr", "/", hidden, f"{hidden}/own"):
            assert "Read-only" in inside(container, f"touch {path}/new")
        assert inside(container, "echo $(ls /proc | grep -c '^[0-9]')").strip() in "45678"
        assert inside(container, "touch /tmp/new /dev/shm/new && echo made") == "made\n"
    assert not Path("/tmp/new").exists()


@needs_containers
def test_course_is_hidden_in_a_container_but_for_the_graded_file() -> None:
    """Without Landlock, too."""
    file = SOLUTION.parents[2] / "exercises" / "day53" / "exercise.py"
    with closing(Container(places(str(file), course().hidden))) as container:
        assert "No such file" in inside(container, f"cat {SOLUTION}")
        assert "No such file" in inside(container, f"cat {course().checks(lesson('day53'))}")
        assert "import" in inside(container, f"cat {file}")


OUT_OF_REACH = {
    "servers of this machine": "socket.create_connection(('127.0.0.1', {port}), 3)",
    "addresses elsewhere": "socket.create_connection(('1.1.1.1', 80), 3)",
    "the keeper's socket": "socket.socket(socket.AF_UNIX).connect({keeper!r})",
    "the judge": "os.kill({judge}, 0)",
    "the judge's place in /proc": "os.listdir('/proc/{judge}')",
    "the home directory": "os.listdir(Path.home())",
}


@needs_containers
@pytest.mark.parametrize("body", OUT_OF_REACH.values(), ids=OUT_OF_REACH)
def test_file_does_not_reach(worker: Worker, tmp_path: Path, body: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        keeper = str(KeeperState.of_environment().socket)
        code = body.format(port=server.getsockname()[1], keeper=keeper, judge=os.getpid())
        found = trace_of(worker, tmp_path, code)
    assert found.outcome.kind == "factory-failed", found
    assert found.outcome.failure is not None
    assert "OSError" in found.outcome.failure.bases or found.outcome.failure.type == "OSError"


@needs_containers
def test_file_has_its_database_and_a_loopback_of_its_own(worker: Worker, tmp_path: Path) -> None:
    text = """
import asyncpg, socket
from fastapi import FastAPI

def exercise_1(dsn):
    app = FastAPI()

    @app.get("/")
    async def root():
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname()).close()
        connection = await asyncpg.connect(dsn)
        found = await connection.fetchval("select count(*) from items")
        await connection.close()
        return found

    return app
"""
    described = postgres(
        seed_sql="create table items (id int)", reads=["select count(*) from items"]
    )
    player = FilePlayer(worker, text, str(tmp_path / "exercise.py"), is_contained=True)
    with closing(player):
        trace = Subject(player, "exercise_1").play(scenario(get("/"), dsn=described))
    assert trace.exchanges[0].json() == 0
    assert trace.readings == {"select count(*) from items": [{"count": 0}]}


@needs_containers
def test_nothing_of_a_file_is_left_for_the_next(worker: Worker, tmp_path: Path) -> None:
    body = """
if not os.fork():
    os.setsid()
    if not os.fork():
        time.sleep(60)
    os._exit(0)
os.wait()
print(os.listdir("/dev/shm"), len([name for name in os.listdir("/proc") if name.isdigit()]))
Path("/dev/shm/left").write_text("x")
"""
    first, second = (trace_of(worker, tmp_path, body).output for _ in range(2))
    assert first == second
    assert first.startswith("[]")
    assert not Path("/dev/shm/left").exists()


@needs_containers
def test_temporary_files_have_a_limit(worker: Worker, tmp_path: Path) -> None:
    body = f"""
written = 0
try:
    for number in range(100):
        Path(f"/dev/shm/{{number}}").write_bytes(bytes(1 << 20))
        written += 1
except OSError as error:
    print(written << 20 == {FILES}, error.errno == 28)
"""
    assert trace_of(worker, tmp_path, body).output == "True True\n"


@needs_containers
@pytest.mark.skipif(new_cgroup(1 << 30, 10) is None, reason="no control group can be made here")
def test_processes_of_a_container_have_a_limit_together() -> None:
    act = f"for i in $(seq {PROCESSES + 50}); do sleep 9 > /dev/null 2>&1 & done"
    with closing(Container(Places(PROGRAMS))) as container:
        said = inside(container, act)
    assert "Cannot fork" in said or "Resource temporarily unavailable" in said


@needs_containers
def test_container_ends_with_the_process_that_made_it() -> None:
    program = """
import os, signal
from grader.processes.container import PROGRAMS, Container, Places
container = Container(Places(PROGRAMS))
if os.fork() == 0:
    container.enter()
    container.forget()
    if not (pid := os.fork()):
        os.execv("/bin/sh", ["sh", "-c", "exec setsid sleep 60"])
    print(pid, flush=True)
    os._exit(0)
os.wait()
input()
os.kill(os.getpid(), signal.SIGKILL)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as making:
        assert making.stdin is not None
        assert making.stdout is not None
        end = os.pidfd_open(int(making.stdout.readline()))
        assert not select.select([end], [], [], 0)[0]
        making.stdin.write("\n")
    assert select.select([end], [], [], 60)[0]
    os.close(end)


@needs_containers
def test_file_that_ends_its_own_container_fails_alone(worker: Worker, tmp_path: Path) -> None:
    """Past Landlock it couldn't. Ended from outside, it is as if its forkserver was killed."""
    text = "from fastapi import FastAPI\ndef exercise_1():\n    return FastAPI()\n"
    player = FilePlayer(worker, text, str(tmp_path / "exercise.py"), is_contained=True)
    with closing(player):
        subject = Subject(player, "exercise_1")
        assert subject.play(scenario(get("/"))).outcome.kind == "finished"
        (bubblewrap,) = bubblewraps_of(worker)
        os.kill(bubblewrap, signal.SIGKILL)
        assert subject.play(scenario(get("/x"))).outcome.kind == "finished"


def bubblewraps_of(worker: Worker) -> list[int]:
    import psutil

    forkserver = psutil.Process(worker._parent._process.pid)
    return [child.pid for child in forkserver.children() if child.name() == "bwrap"]


# Commands


def grade(*words: object, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "grader", *map(str, words)]
    env = {**os.environ, **variables}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@needs_containers
def test_lesson_is_graded_in_a_container() -> None:
    done = grade("day53", 4, "--file", SOLUTION, "--isolate", "--format", "json")
    assert json.loads(done.stdout)["passed"] == 1, done.stderr


def test_grading_in_a_container_is_refused_where_there_can_be_none(tmp_path: Path) -> None:
    done = grade("day53", 4, "--file", SOLUTION, "--isolate", PATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "this machine can't make a container: bubblewrap isn't installed" in done.stderr
    assert "apt-get install bubblewrap" in done.stderr


LOGGED = """#!/bin/sh
echo made >> {log}
exec {bwrap} "$@"
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A course of a small lesson, and `ada.py` and `bob.py`, which a class has handed in."""
    for folder in ("course", "handed-in"):
        (tmp_path / folder).mkdir()
    course = write_course(tmp_path / "course")
    for name in ("ada", "bob"):
        (tmp_path / "handed-in" / f"{name}.py").write_text(naps() + f"# {name}\n")
    return course


def grade_class(toy: Path, path: str) -> subprocess.CompletedProcess[str]:
    words = ("class", toy.parent / "handed-in", "--lesson", "toy", "--jobs", 1)
    results = ("--results", toy.parent / "class.sqlite")
    return grade(*words, *results, GRADER_COURSE=str(toy), PATH=path)


@needs_containers
def test_each_file_of_a_class_has_a_container(toy: Path, tmp_path: Path) -> None:
    log, programs = tmp_path / "log", tmp_path / "bin"
    programs.mkdir()
    (programs / "bwrap").write_text(LOGGED.format(log=log, bwrap=shutil.which("bwrap")))
    (programs / "bwrap").chmod(0o755)
    done = grade_class(toy, f"{programs}{os.pathsep}{os.environ['PATH']}")
    assert (done.returncode, done.stderr.count("container")) == (0, 0), done.stderr
    assert log.read_text() == "made\n" * 4, "the command and the judge try, then two files"


def test_class_is_told_that_there_are_no_containers(toy: Path, tmp_path: Path) -> None:
    done = grade_class(toy, str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "No file is in a container of its own: bubblewrap isn't installed." in done.stderr


# Control groups


def test_groups_of_both_kinds_are_found(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text("5:memory:/a\n1:name=systemd:/b\n0::/user.slice/own.scope\n")
    (tmp_path / "mountinfo").write_text(
        "31 1 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
        "32 31 0:29 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
        "33 31 0:30 /user.slice /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    )
    memory, unified = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup/unified")
    assert hierarchies(tmp_path) == [
        Hierarchy(frozenset({"memory"}), memory / "a", memory),
        Hierarchy(frozenset(), unified / "own.scope", unified),
    ]


def test_group_is_removed_with_its_last_process() -> None:
    group = new_cgroup(1 << 30, 10)
    if group is None:
        pytest.skip("no control group can be made here")
    assert isinstance(group, ControlGroup)
    pid = os.fork()
    if pid == 0:
        group.join()
        os._exit(0)
    os.waitpid(pid, 0)
    group.remove()
    assert not any(folder.exists() for folder in group.folders)


def test_groups_of_processes_that_were_killed_are_removed() -> None:
    program = "from grader.processes.cgroups import *; print(*new_cgroup(1 << 30, 10).folders)"
    if (group := new_cgroup(1 << 30, 10)) is None:
        pytest.skip("no control group can be made here")
    done = subprocess.run([sys.executable, "-c", program], stdout=-1, text=True, check=True)
    again = new_cgroup(1 << 30, 10)
    assert again is not None
    assert not any(Path(folder).exists() for folder in done.stdout.split())
    for made in (group, again):
        assert all(folder.exists() for folder in made.folders)
        made.remove()


@needs_containers
def test_container_that_cannot_be_made_says_why() -> None:
    with pytest.raises(OSError, match="Can't"):
        Container(Places(covered=("/proc/1/nothing",)))
