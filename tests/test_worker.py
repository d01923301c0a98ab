"""The worker: its channel, its players, their limits, and what one play leaves to the next."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from grader import get, scenario, takes
from grader.course.loops import loop_around
from grader.judge.players import FilePlayer, Subject
from grader.judge.workers import Worker
from grader.model.details import Exited, Killed
from grader.model.errors import GraderError
from grader.model.scenarios import Scenario
from grader.model.trace import Outcome, Trace, encode
from grader.processes import channel as channels
from grader.processes import spawn
from grader.processes.channel import Channel, ChannelClosed, Nonsense
from grader.processes.isolation import isolation
from grader.processes.limits import OUTPUT
from grader.worker.global_state import global_state
from grader.worker.messages import Load, PlayRequest, PlayResult, opening_of
from grader.worker.output import KEPT, Capture

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


# The channel


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    """A channel, and the bare other end of it."""
    ours, its = socket.socketpair()
    channel = Channel(ours)
    with its:
        yield channel, its
    channel.close()


def framed(body: bytes) -> bytes:
    return struct.pack("!I", len(body)) + body


@pytest.mark.parametrize(
    "message",
    [
        Load("x = 'é'", "exercise.py"),
        PlayRequest("exercise_1", scenario(get("/x?y=1"), fetch=takes(1, {"a": [None]}))),
        PlayResult("token", Trace(outcome=Outcome("finished"), output="…" * 100_000), spoiled=True),
    ],
)
def test_message_arrives_as_it_was_sent(message: Load | PlayRequest | PlayResult) -> None:
    ours, its = socket.socketpair()
    sender, receiver = Channel(ours), Channel(its)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    sender.send(message)
    kind = type(message) if isinstance(message, PlayResult) else Load | PlayRequest
    assert receiver.receive(kind) == message  # type: ignore[arg-type]
    sender.close()
    receiver.close()


def test_message_that_begins_otherwise_is_not_decoded(ends: tuple[Channel, socket.socket]) -> None:
    """It may be made so that reading it takes all memory there is."""
    channel, its = ends
    result = PlayResult("the token", Trace(outcome=Outcome("finished")))
    its.sendall(framed(encode(result)))
    assert channel.receive(PlayResult, opening_of("the token")) == result
    its.sendall(framed(b'{"trace":{"outcome":{"kind":"finished"}},"token":"the token"}'))
    with pytest.raises(Nonsense):
        channel.receive(PlayResult, opening_of("the token"))


def test_message_in_pieces_is_put_together(ends: tuple[Channel, socket.socket]) -> None:
    channel, its = ends
    its.sendall(framed(b'{"type":"load","source":"x","path":"y"}')[:7])
    its.sendall(framed(b'{"type":"load","source":"x","path":"y"}')[7:])
    assert channel.receive(Load) == Load("x", "y")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\0\0",
        framed(b'{"type":"load"')[:-3],
        framed(b""),
        framed(b"null"),
        framed(b"not json"),
        framed(b"\xff\xfe"),
        framed(b'{"type":"perform"}'),
        framed(b'{"type":"load","source":1,"path":"y"}'),
        framed(b"[" * 100_000),
        struct.pack("!I", channels.LARGEST + 1) + b"x",
        b"\xff" * 100,
    ],
    ids=repr,
)
def test_nonsense_is_the_end_of_the_channel(
    ends: tuple[Channel, socket.socket], sent: bytes
) -> None:
    """Nothing, half a message, none of the kind that is waited for, one without an end."""
    channel, its = ends
    its.sendall(sent[:100_000])
    its.close()
    with pytest.raises(ChannelClosed):
        channel.receive(Load)


def test_other_side_that_is_gone_is_told_to_the_sender(
    ends: tuple[Channel, socket.socket],
) -> None:
    channel, its = ends
    its.close()
    with pytest.raises(ChannelClosed):
        channel.send(Load("x" * 10_000_000, "y"))


def test_fork_of_a_player_may_not_send(
    ends: tuple[Channel, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A learner's `os.fork` comes back in two processes. Only one of them has a say."""

    class Left(Exception):
        pass

    def leave(_: int) -> None:
        raise Left

    channel, its = ends
    its.setblocking(False)
    monkeypatch.setattr(os, "getpid", lambda: 0)
    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(Left):
        channel.send(Load("x", "y"))
    with pytest.raises(BlockingIOError):
        its.recv(1)


# What is printed


def test_output_is_kept_up_to_a_bound() -> None:
    capture = Capture(on_flood=pytest.fail)
    print("a" * 10, file=capture)
    for _ in range(100):
        assert capture.write("b" * 1000) == 1000
    assert capture.text() == ("a" * 10 + "\n" + "b" * 100_000)[:KEPT]


def test_output_of_the_last_play_is_forgotten() -> None:
    capture = Capture(on_flood=pytest.fail)
    capture.write("old")
    capture.start()
    capture.write("new")
    assert capture.text() == "new"


def test_flood_is_reported() -> None:
    floods: list[str] = []
    capture = Capture(on_flood=lambda: floods.append("now"))
    for _ in range(4):
        capture.write("x" * (OUTPUT // 4))
    assert floods == []
    capture.write("x")
    assert floods == ["now"]


# What a play must leave as it was


CHANGES: dict[str, Callable[[pytest.MonkeyPatch, Path], None]] = {
    "json": lambda patch, _: patch.setattr(json, "dumps", None),
    "asyncio": lambda patch, _: patch.setattr(asyncio, "wait", None),
    "new name": lambda patch, _: patch.setattr(logging, "mine", 1, raising=False),
    "environ": lambda patch, _: patch.setenv("A_NAME_OF_MINE", "x"),
    "folder": lambda patch, folder: patch.chdir(folder),
    "path": lambda patch, folder: patch.syspath_prepend(folder),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_world_that_was_changed_is_another(
    change: Callable[[pytest.MonkeyPatch, Path], None], tmp_path: Path
) -> None:
    before = global_state()
    assert global_state() == before
    with pytest.MonkeyPatch.context() as patch:
        change(patch, tmp_path)
        assert global_state() != before


# Players


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


Make = Callable[..., FilePlayer]


@pytest.fixture
def make(worker: Worker) -> Iterator[Make]:
    """Makes performers of files with one factory, and closes them in the end."""
    made: list[FilePlayer] = []

    def make(body: str = "", before: str = "", by: Worker = worker, **options: Any) -> FilePlayer:
        performer = FilePlayer(by, file_of(body, before), "/nowhere/exercise.py", **options)
        made.append(performer)
        return performer

    yield make
    for performer in made:
        performer.close()


def file_of(body: str, before: str = "") -> str:
    """A file with one factory, which does this and gives an empty app."""
    text = indent(f"{body}\nreturn FastAPI()", " " * 4)
    return f"from fastapi import FastAPI\n{before}\ndef exercise_1(**collaborators):\n{text}\n"


def played(performer: FilePlayer, what: Scenario | None = None) -> Trace:
    return Subject(performer, "exercise_1").play(what or scenario())


IDENTITY = "import os\nprint(os.getpid())"


def test_same_play_gives_the_same_trace_in_every_process(make: Make) -> None:
    """To the tick, in one process and in another."""
    body = (
        "import asyncio, random\n"
        "app, fetch = FastAPI(), collaborators['fetch']\n\n"
        "@app.get('/')\nasync def root():\n"
        "    await asyncio.sleep(random.random())\n"
        "    return await asyncio.gather(*(fetch() for _ in range(3)))\n\n"
        "return app\n"
    )
    what = scenario(get("/"), get("/", at=0.3), fetch=takes(0.1 + 0.2, "x"))
    traces = [played(performer, what) for performer in (make(body), make(body)) for _ in range(2)]
    assert traces[0].outcome.kind == "finished"
    assert traces[0].exchanges[0].json() == ["x", "x", "x"]
    assert all(trace == traces[0] for trace in traces)


def test_file_is_loaded_afresh_for_each_play(make: Make) -> None:
    """What a play leaves in the module is gone."""
    counting = make("calls.append(1)\nprint(len(calls))", before="calls = []\n")
    assert [played(counting).output for _ in range(3)] == ["1\n"] * 3


def test_clean_plays_share_a_process(make: Make) -> None:
    clean = make(IDENTITY)
    assert len({played(clean).output for _ in range(3)}) == 1


def test_play_that_changes_the_world_costs_the_process(make: Make) -> None:
    """The next one gets a new process, and the old one is gone."""
    spoiling = make(f"{IDENTITY}\nimport json\njson.dumps = None")
    pids = [int(played(spoiling).output) for _ in range(3)]
    assert len(set(pids)) == 3
    played(make())  # when the next process is made, the old ones have been reaped
    assert not [pid for pid in pids if is_alive(pid)]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_output_is_that_of_the_play(make: Make) -> None:
    loud = make("print('x' * 100_000)")
    assert [len(played(loud).output) for _ in range(2)] == [KEPT, KEPT]


def test_input_is_empty(make: Make) -> None:
    trace = played(make("import sys\nprint(repr(sys.stdin.read()))\ninput()"))
    assert trace.output == "''\n"
    assert trace.outcome.failure is not None
    assert trace.outcome.failure.type == "EOFError"


# What a file imports

BIG = "import time\nwhile time.process_time() < 3.5:\n    pass\n"


def importing(worker: Worker, folder: Path, text: str, *, installed: bool) -> Trace:
    """A play of a file in `folder` that imports a module of this text."""
    packages = folder / "site-packages" if installed else folder
    packages.mkdir(exist_ok=True)
    (packages / "module.py").write_text(text)
    before = f"import sys\nsys.path.append({str(packages)!r})\nimport module"
    performer = FilePlayer(worker, file_of("", before), str(folder / "exercise.py"))
    try:
        return played(performer)
    finally:
        performer.close()


def test_import_of_an_installed_package_is_no_endless_loop(worker: Worker, tmp_path: Path) -> None:
    """A big one that comes without bytecode computes for seconds."""
    assert importing(worker, tmp_path, BIG, installed=True).outcome.kind == "finished"


def test_helper_beside_the_file_is_the_learners(worker: Worker, tmp_path: Path) -> None:
    endless = "while True:\n    pass\n"
    assert importing(worker, tmp_path, endless, installed=False).outcome.kind == "endless-loop"


def test_package_that_never_ends_is_ended(worker: Worker, tmp_path: Path) -> None:
    endless = BIG.replace("< 3.5", "< 60")
    assert importing(worker, tmp_path, endless, installed=True).outcome.kind == "endless-loop"


@pytest.mark.parametrize("installed", [False, True])
def test_bytecode_is_written_for_packages_at_the_most(
    tmp_path: Path, installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a player may write at all. What lies beside the file is the learner's folder."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    with closing(Worker()) as writing:
        trace = importing(writing, tmp_path, "print('here')\n", installed=installed)
    assert trace.output == "here\n"
    may_write = installed and not isolation().landlock
    assert bool(list(tmp_path.rglob("*.pyc"))) == may_write


def test_death_is_an_outcome(make: Make) -> None:
    """How it died is known, and the next play is not harmed."""
    dying = make("import os\nos._exit(3)")
    assert played(dying).outcome == Outcome("process-died", detail=Exited(3))
    assert played(dying).outcome == Outcome("process-died", detail=Exited(3))
    crashing = make("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    assert played(crashing).outcome.detail == Killed("SIGSEGV")


def test_what_ends_one_play_for_good_is_not_played_again(make: Make) -> None:
    """Where the file itself cannot be run, no play of it can say more."""
    player = Subject(make(before="import nothing_of_that_name"), "exercise_1")
    first = player.play(scenario())
    assert player.play(scenario(get("/"))) is first


def test_other_file_is_played_in_another_process(make: Make) -> None:
    """Also if the first one has left the world as it was, as far as can be seen."""
    both = make(IDENTITY)
    pid = played(both).output
    both.load(file_of(f"{IDENTITY}\nprint('other')"), "/elsewhere/exercise.py")
    output = played(both).output
    assert output.endswith("other\n")
    assert not output.startswith(pid)


def test_a_scenario_is_played_once_where_traces_are_kept(make: Make) -> None:
    """The same scenario gives the same trace again, without a play."""
    remembering = make(remember=True)
    first, other = scenario(get("/")), scenario(get("/other"))
    one = played(remembering, first)
    assert played(remembering, other) is not one
    assert played(remembering, first) is one


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_lost_coroutine_is_followed_to_its_line_through_any_library(make: Make, calls: int) -> None:
    """Each exit stack calls the next one, and the last one makes the coroutine."""
    body = f"""
from contextlib import ExitStack
async def lost():
    pass
call = lost
for _ in range({calls}):
    stack = ExitStack()
    stack.callback(call)
    call = stack.close
print("once")
call()
"""
    trace = played(make(body))
    [incident] = trace.incidents
    here = file_of(body).splitlines().index("    call()") + 1
    assert (incident.kind, incident.line) == ("never-awaited", here)
    assert trace.output == "once\n"


def test_another_file_is_played_anew(make: Make) -> None:
    remembering = make(remember=True)
    one = played(remembering, scenario(get("/")))
    remembering.load(file_of(f"{IDENTITY}\nprint('other')"), "/elsewhere/exercise.py")
    assert "other" not in one.output
    assert "other" in played(remembering, scenario(get("/"))).output


@linux_only
def test_player_has_limits(make: Make) -> None:
    """Memory, files, CPU time; no core files; and Ctrl-C is the judge's to hear."""
    body = (
        "import resource as r, signal\n"
        "limits = [r.getrlimit(k)[0] for k in (r.RLIMIT_AS, r.RLIMIT_FSIZE, r.RLIMIT_CPU)]\n"
        "print(all(0 < limit < 2**40 for limit in limits), r.getrlimit(r.RLIMIT_CORE)[0])\n"
        "print(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)"
    )
    assert played(make(body)).output == "True 0\nTrue\n"


# The worker's life


@pytest.fixture
def own() -> Iterator[Worker]:
    """A worker to be ended by the test itself, or at its end."""
    worker = Worker()
    yield worker
    worker.close()


@linux_only
def test_player_inherits_no_file_of_the_judge(make: Make, tmp_path: Path) -> None:
    """Its only ways out are its channel and the pipe for stacks."""
    body = (
        "import os\n"
        "links = [f'/proc/self/fd/{n}' for n in os.listdir('/proc/self/fd')]\n"
        "print(*(os.readlink(link) for link in links if os.path.lexists(link)))"
    )
    with (tmp_path / "secret").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        worker = Worker()
        found = played(make(body, by=worker)).output
        worker.close()
    assert "/dev/null" in found
    assert "secret" not in found


def test_memory_of_the_largest_player_is_known(make: Make, own: Worker) -> None:
    large = make("x = bytearray(50_000_000)", by=own)
    played(large)
    large.close()
    played(make(by=own))
    assert own.peak > 50_000


def test_nothing_outlives_the_worker(make: Make, own: Worker) -> None:
    """Neither players at rest, nor one that is at work."""
    pid = int(played(make(IDENTITY, by=own)).output)
    make("while True:\n    pass", by=own).start("exercise_1", scenario())
    own.close()
    assert not is_alive(pid)


def test_worker_that_is_gone_is_the_graders_fault(make: Make, own: Worker) -> None:
    own.close()
    with pytest.raises(GraderError, match="could not be started") as caught:
        played(make(by=own))
    assert caught.value.exit_code == 3


def test_worker_that_was_started_ahead_is_the_next_one() -> None:
    """It ends by itself when the judge lets go of it."""
    spawn.start_worker_ahead()
    ahead = spawn._unused_workers[-1]
    process, control = spawn.take_worker()
    assert (process, control) == ahead
    control.close()
    assert process.wait(60) == 0


def test_worker_that_nobody_took_is_ended() -> None:
    spawn.start_worker_ahead()
    process = spawn._unused_workers[-1][0]
    spawn.end_unused_worker()
    assert process.returncode == -signal.SIGKILL
    spawn.end_unused_worker()


# Where a loop is


LOOPS = """\
while True:
    for x in y:
        z
    z
async def f():
    async for x in y:
        z
z
"""


@pytest.mark.parametrize(("line", "around"), [(1, 1), (3, 1), (4, 1), (7, 6), (8, 8), (None, None)])
def test_loop_is_named_by_where_it_begins(line: int | None, around: int | None) -> None:
    """It is caught at one line of it, and the next time at another; its head stays."""
    assert loop_around(LOOPS, line) == around


@pytest.mark.parametrize("text", ["def broken(:", "\0", "x = " + "(" * 1000])
def test_line_stays_where_the_text_is_no_python(text: str) -> None:
    assert loop_around(text, 7) == 7
