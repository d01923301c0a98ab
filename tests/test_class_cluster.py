"""A class is graded on a Dask cluster: schedulers and workers are processes, and are killed.

Takes 20 s. The class works on the toy lesson, in a course of its own.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
from class_of import naps, write_files
from toy import ENTRY, ROOT, run_grade, write_toy

from grader.authoring.markdown import blocks_of
from grader.classroom.cluster import connecting
from grader.classroom.cluster.connecting import check_address
from grader.classroom.cluster.members import objection
from grader.classroom.cluster.on_worker import IDLE, Versions
from grader.classroom.store import Store
from grader.course.catalog import COURSE
from grader.model.errors import UsageError

pytest.importorskip("distributed", reason="Dask's scheduler is in the extra `cluster`")

LOOPBACK = ("--host", "127.0.0.1", "--no-dashboard")
SLOW = "sum(range(10**7))\n"
"""Keeps who grades a work busy while a test does something to it."""


class Cluster:
    """A scheduler and its workers, each a process."""

    def __init__(self, course: Path, processes: ExitStack) -> None:
        self._course = course
        self._processes = processes
        self.scheduler = self._start("scheduler", "--port", "0")
        self.address = until(self.scheduler, "Scheduler at:").split()[-1]

    def worker(self, root: Path = ROOT, course: Path | None = None) -> subprocess.Popen[str]:
        """Start a worker of one thread."""
        words = (self.address, "--nthreads", "1", "--no-nanny", "--memory-limit", "0")
        return self._start("worker", *words, root=root, course=course)

    def _start(
        self, *words: str, root: Path = ROOT, course: Path | None = None
    ) -> subprocess.Popen[str]:
        return self._processes.enter_context(
            started(
                [sys.executable, "-m", "dask", *words, *LOOPBACK],
                cwd=self._course,
                PYTHONPATH=str(root),
                **{COURSE: str(course or self._course)},
            )
        )


def joined(*workers: subprocess.Popen[str]) -> None:
    """Wait until they have."""
    for worker in workers:
        until(worker, "Registered to:")


@contextmanager
def started(command: list[str], cwd: Path, **env: str) -> Iterator[subprocess.Popen[str]]:
    """A process, which is killed at the end. What it says is on its standard error."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=os.environ | env,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(process: subprocess.Popen[str], says: str) -> str:
    """Wait for a line that holds these words, and return it."""
    assert process.stderr is not None
    heard = []
    for line in process.stderr:
        heard.append(line)
        if says in line:
            return line
    raise AssertionError("".join(heard))


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course, and what its class has handed in."""
    folder = tmp_path / "course"
    folder.mkdir()
    (folder / "course.toml").write_text(ENTRY, "utf-8")
    write_toy(folder)
    write_files(folder / "in", {"a.py": naps(), "b.py": SLOW + naps(), "c.py": SLOW + naps(2)})
    return folder


@pytest.fixture
def cluster(course: Path) -> Iterator[Cluster]:
    with ExitStack() as processes:
        yield Cluster(course, processes)


WORDS = ("class", "in", "--lesson", "toy")


@contextmanager
def grading(course: Path, address: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "grader", *WORDS, "--cluster", address]
    env = {"PYTHONPATH": str(ROOT), COURSE: str(course), "COLUMNS": "80"}
    with started(command, course, **env) as process:
        yield process


def passed(course: Path) -> dict[str, int]:
    """How many exercises each student passes, so far."""
    with Store(course / "class.sqlite") as store:
        found = [(one.student.key, one.report) for one in store.attempts("toy")]
    return {key: report.passed for key, report in found if report}


def some_of_three(course: Path) -> int:
    """How many have a verdict: one that was interrupted after the first may have another."""
    count = len(passed(course))
    assert count in (1, 2)
    return count


def test_guide_says_how_to_begin(cluster: Cluster, course: Path) -> None:
    """What it says is what is started in these tests, with options that keep them apart."""
    guide = (ROOT / "docs" / "class.md").read_text("utf-8")
    [block] = [one.text for one in blocks_of(guide) if "dask worker" in one.text]
    address = block.split()[-1]
    write_files(course / "handed-in", {"anna.py": naps()})
    joined(cluster.worker())
    scheduler, worker, grade = block.replace("day53", "toy").splitlines()
    assert (scheduler, worker) == ("$ dask scheduler", f"$ dask worker {address}")
    done = run_grade(course, *grade.replace(address, cluster.address).split()[2:])
    assert (done.returncode, passed(course)) == (0, {"anna": 2})


# Workers


def test_what_a_lost_worker_was_grading_goes_to_another(cluster: Cluster, course: Path) -> None:
    workers = [cluster.worker(), cluster.worker()]
    joined(*workers)
    with grading(course, cluster.address) as command:
        until(command, "1 of 3 graded")
        workers[0].kill()
        until(command, "is lost; what it was grading goes to another worker.")
        until(command, "3 of 3 graded")
        assert command.wait() == 0
    assert passed(course) == {"a": 2, "b": 2, "c": 1}


def test_worker_with_another_kit_or_course_is_named_and_not_used(
    cluster: Cluster, course: Path, tmp_path: Path
) -> None:
    kit = shutil.copytree(ROOT / "grader", tmp_path / "kit" / "grader").parent
    with (kit / "grader" / "__init__.py").open("a") as changed:
        changed.write("# changed\n")
    other = shutil.copytree(course, tmp_path / "other")
    with (other / "checks" / "test_toy.py").open("a") as changed:
        changed.write("# changed\n")
    joined(cluster.worker(root=kit), cluster.worker(course=other), cluster.worker())
    done = run_grade(course, *WORDS, "--cluster", cluster.address)
    assert (done.returncode, len(passed(course))) == (0, 3)
    assert re.search(r"tcp://\S+ isn't used: it runs version \S+ of the kit", done.stderr)
    assert re.search(r"tcp://\S+ isn't used: its toy is a different one", done.stderr)


def test_cluster_without_a_worker_grades_nothing(cluster: Cluster, course: Path) -> None:
    done = run_grade(course, *WORDS, "--cluster", cluster.address)
    assert done.returncode == 3
    assert f"{cluster.address} has no worker that can grade" in done.stderr


OURS = Versions("1+a", {"toy": "x"})


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        (OURS, ""),
        (Versions("1+b", {"toy": "x"}), "it runs version 1+b of the kit, and this is 1+a"),
        (Versions("1+a", {"toy": "y"}), "its toy is a different one"),
        (Versions("1+a", {"toy": ""}), "its course has no toy"),
        (ModuleNotFoundError("No module named 'grader'"), "the kit isn't installed there"),
        (OSError("no"), "it can't say which kit it runs"),
    ],
)
def test_worker_grades_only_with_our_kit_and_course(
    theirs: Versions | Exception, said: str
) -> None:
    assert objection(theirs, OURS).startswith(said)
    assert bool(objection(theirs, OURS)) == bool(said)


# The scheduler


def test_lost_scheduler_loses_no_verdict(cluster: Cluster, course: Path) -> None:
    joined(cluster.worker())
    with grading(course, cluster.address) as command:
        until(command, "1 of 3 graded")
        cluster.scheduler.kill()
        until(command, "is lost")
        assert "go on with the same command and --resume" in until(command, "--resume")
        assert command.wait() == 3
    count = some_of_three(course)
    done = run_grade(course, *WORDS, "--resume", "--cluster", "local", "-j", "2")
    assert f"{count} have a verdict already, {3 - count} are to be graded." in done.stderr
    assert passed(course) == {"a": 2, "b": 2, "c": 1}


def test_stopping_leaves_workers_free(cluster: Cluster, course: Path) -> None:
    """What they had begun for us is ended when the command ends."""
    joined(worker := cluster.worker())
    with grading(course, cluster.address) as command:
        until(command, "1 of 3 graded")
        command.send_signal(signal.SIGINT)
        until(command, "Stopped. Go on with the same command and --resume.")
        assert command.wait() == 130
    _, left = psutil.wait_procs(psutil.Process(worker.pid).children(), timeout=IDLE / 2)
    assert not left
    assert some_of_three(course)


def test_local_cluster_grades_as_this_machine_does(course: Path) -> None:
    write_files(
        course / "in", {"a.py": naps(), "b.py": "import os\nos._exit(3)\n", "c.py": naps(2)}
    )
    done = run_grade(course, *WORDS, "--cluster", "local", "-j", "2")
    assert (done.returncode, passed(course)) == (0, {"a": 2, "b": 0, "c": 1})
    assert "Traceback" not in done.stderr


# What is asked for


@pytest.mark.parametrize(
    "address", ["", "here", "tcp://", "tcp://host", "tcp://host:x", "http://host:8786", "host:8786"]
)
def test_what_is_not_an_address_is_said(address: str) -> None:
    with pytest.raises(UsageError, match=r"isn't the address of a scheduler\n.*tcp://"):
        check_address(address)


def test_dask_has_to_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"pip install 'fastapi-async-course\[cluster\]'"):
        check_address("local")


def test_workers_have_as_many_jobs_as_threads(course: Path) -> None:
    done = run_grade(course, *WORDS, "--cluster", "tcp://127.0.0.1:8786", "-j", "2")
    assert (done.returncode, "omit -j" in done.stderr) == (2, True)


async def connect(address: str) -> None:
    async with connecting.connected(address, 1):
        pass


def test_no_scheduler_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(UsageError, match=f"there is no scheduler at {address}"):
            asyncio.run(connect(address))


def test_something_else_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes connections and says nothing."""
    monkeypatch.setattr(connecting, "CONNECT", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(UsageError, match="isn't a Dask scheduler"):
            asyncio.run(connect(address))
