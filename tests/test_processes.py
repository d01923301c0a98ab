"""Processes of the kit: how they are started, and what they say to each other."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

import grader
from grader.judge.workers import Worker
from grader.judging.grader_process import GraderClient
from grader.judging.messages import GradeRequest
from grader.model.errors import GraderError
from grader.model.version import VERSION
from grader.processes import spawn
from grader.processes.channel import HEADER, Channel, ChannelClosed, Nonsense
from grader.processes.handshake import Hello, VersionMismatch, check_peer
from grader.processes.streams import MessageStream

PACKAGE = Path(grader.__file__).parent


class Note(msgspec.Struct, frozen=True):
    """A message of these tests."""

    text: str
    more: object = None


# Starting


@pytest.fixture
def other_kit(tmp_path: Path) -> Path:
    """Another version of the package, in a folder of its own."""
    copy = shutil.copytree(PACKAGE, tmp_path / "other" / "grader")
    version = copy / "model" / "version.py"
    version.write_text(version.read_text("utf-8").replace(VERSION, "99.0"), "utf-8")
    return copy


def test_process_runs_the_package_of_the_one_that_starts_it(
    other_kit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is started, and whatever else Python would find."""
    monkeypatch.setenv("PYTHONPATH", str(other_kit.parent))
    monkeypatch.chdir(other_kit.parent)
    process, end = spawn.start_python("grader.worker.forkserver", stderr=subprocess.PIPE)
    channel = Channel(end)
    assert channel.receive(Hello) == Hello()
    channel.close()
    process.communicate()


def test_modules_of_python_are_not_those_beside_the_package(other_kit: Path) -> None:
    """It may lie in `site-packages`, where anything may be installed."""
    (other_kit.parent / "json.py").write_text("raise SystemExit('the wrong one')", "utf-8")
    (other_kit / "probe.py").write_text("import json\ndef main(): print(json.__file__)", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spawn, "PACKAGE", str(other_kit))
        command = spawn.python_command("grader.probe")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert Path(done.stdout).parts[-2:] == ("json", "__init__.py\n")


# Versions


def test_versions_that_differ_are_both_named() -> None:
    with pytest.raises(VersionMismatch) as caught:
        check_peer(Hello("99.0", "/elsewhere/grader"))
    for part in (VERSION, str(PACKAGE), "99.0", "/elsewhere/grader"):
        assert part in caught.value.problem


def test_worker_of_another_version_plays_nothing(
    other_kit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spawn, "PACKAGE", str(other_kit))
    with ExitStack() as stack:
        worker = Worker()
        stack.callback(worker.close)
        with pytest.raises(GraderError, match=r"version 99\.0"):
            worker.fork()


def test_grading_process_of_another_version_grades_nothing(
    other_kit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spawn, "PACKAGE", str(other_kit))

    async def grade() -> None:
        client = GraderClient()
        try:
            await client.grade(GradeRequest("day53", "exercise.py", (1,), None, "exercise.py", ""))
        finally:
            await client.close()

    with pytest.raises(GraderError, match=r"version 99\.0"):
        asyncio.run(grade())


# Messages


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    with ExitStack() as stack:
        yield tuple(map(stack.enter_context, socket.socketpair()))  # type: ignore[misc]


def exchanged(ends: tuple[socket.socket, socket.socket], sent: bytes, largest: int = 100) -> Note:
    """What a stream receives when the other side has sent these bytes, and has gone."""

    async def receive() -> Note:
        reader, writer = await asyncio.open_connection(sock=ends[0])
        stream = MessageStream(reader, writer, largest)
        try:
            return await stream.receive(Note)
        finally:
            stream.close()
            await writer.wait_closed()

    ends[1].sendall(sent)
    ends[1].shutdown(socket.SHUT_WR)
    return asyncio.run(receive())


def test_stream_and_channel_understand_each_other(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    async def speak() -> Note:
        reader, writer = await asyncio.open_connection(sock=ends[0])
        stream = MessageStream(reader, writer)
        stream.send(Note("to the channel", Path("a/b")))
        await writer.drain()
        channel = Channel(ends[1])
        assert channel.receive(Note) == Note("to the channel", "a/b")
        channel.send(Note("to the stream"))
        received = await stream.receive(Note)
        stream.close()
        await writer.wait_closed()
        return received

    assert asyncio.run(speak()) == Note("to the stream")


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"", ChannelClosed),
        (b"\0\0", ChannelClosed),
        (HEADER.pack(9) + b"{}", ChannelClosed),
        (HEADER.pack(2) + b"{}", Nonsense),
        (HEADER.pack(3) + b"{,}", Nonsense),
        (HEADER.pack(101) + b" " * 101, Nonsense),
    ],
)
def test_stream_tells_an_end_from_nonsense(
    ends: tuple[socket.socket, socket.socket], sent: bytes, error: type[ChannelClosed]
) -> None:
    with pytest.raises(ChannelClosed) as caught:
        exchanged(ends, sent)
    assert caught.type is error


def test_fork_does_not_speak_for_the_process_it_comes_from(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    channel = Channel(ends[0])
    if (pid := os.fork()) == 0:
        channel.send(Note("forged"))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    ends[0].close()
    assert ends[1].recv(1) == b""


def wait_for(channel: Channel) -> None:
    """Wait until a message has arrived, and send meanwhile what is still to be sent."""
    while not channel.arrived():
        assert channel.wait(60)


def test_two_sides_that_both_send_first_do_not_wait_for_each_other() -> None:
    """More than the sockets hold, both ways: a side that only sends would never come to read."""
    large = Note("x" * 4_000_000)

    def sends_and_then_reads() -> None:
        channel = Channel(theirs)
        for _ in range(3):
            channel.send(large)
            assert channel.receive(Note) == large
        channel.close()

    ours, theirs = socket.socketpair()
    other = threading.Thread(target=sends_and_then_reads)
    other.start()
    channel = Channel(ours)
    for _ in range(3):
        channel.post(large)
    for _ in range(3):
        wait_for(channel)
        assert channel.receive(Note) == large
    with pytest.raises(ChannelClosed):  # when the other side has read the last of ours
        wait_for(channel)
    channel.close()
    other.join()
