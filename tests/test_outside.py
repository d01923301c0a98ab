"""Time stands still while something outside of the loop owes an answer, and no longer."""

from __future__ import annotations

import _thread
import asyncio
import concurrent.futures
import ctypes
import hashlib
import http.server
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio.to_process
import httpx
import pytest
from blockbuster import blockbuster_ctx
from fastapi import FastAPI

from benchmarks.processes import busy_machine
from grader import Trace, get, play
from grader.clock import Clock, locks
from grader.testing import watchdog

LIBC = ctypes.CDLL(None)
"""Its functions wait without Python, and so without the clock."""


def trace_of(endpoint: Callable[..., Any], **settings: Any) -> Trace:
    """A request to the endpoint, while a timer is waiting to go off."""
    app = FastAPI()
    app.get("/")(endpoint)

    @app.get("/timer")
    async def timer() -> None:
        await asyncio.sleep(50)

    return play(app, get("/"), get("/timer"), **settings)


def answer(endpoint: Callable[..., Any], **settings: Any) -> Any:
    exchange = trace_of(endpoint, **settings).exchanges[0]
    assert exchange.status == 200, exchange.raised
    return exchange.json()


def python(text: str, **streams: Any) -> Awaitable[asyncio.subprocess.Process]:
    return asyncio.create_subprocess_exec(sys.executable, "-S", "-c", text, **streams)


# Processes


async def end_of_a_sleeper() -> list[Any]:
    process = await asyncio.create_subprocess_exec("sleep", "30")
    try:
        await asyncio.wait_for(process.wait(), 1)
    except TimeoutError:
        process.kill()
        return ["killed", time.monotonic(), await process.wait()]
    return []


def test_a_process_that_sleeps_is_not_waited_for() -> None:
    assert answer(end_of_a_sleeper) == ["killed", 1.0, -9]


def test_a_process_that_computes_is_waited_for() -> None:
    async def endpoint() -> list[Any]:
        process = await python("print(sum(range(20_000_000)))", stdout=-1)
        out, _ = await asyncio.wait_for(process.communicate(), 0.001)
        return [out.decode(), time.monotonic()]

    assert answer(endpoint) == ["199999990000000\n", 0.0]


def fork() -> int:
    process = os.fork()
    if not process:
        sum(range(5_000_000))
        os._exit(7)
    return process


ARGUMENTS = (sys.executable, "-S", "-c", "sum(range(5_000_000)); raise SystemExit(7)")


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(
    "start",
    [
        fork,
        lambda: os.spawnv(os.P_NOWAIT, sys.executable, ARGUMENTS),
        lambda: os.posix_spawn(sys.executable, ARGUMENTS, os.environ),
        lambda: os.posix_spawnp(sys.executable, ARGUMENTS, os.environ, setpgroup=0),
    ],
    ids=["fork", "spawnv", "posix_spawn", "posix_spawnp"],
)
def test_a_process_is_waited_for_however_it_was_started(start: Callable[[], int]) -> None:
    async def endpoint() -> list[Any]:
        ended = asyncio.Event()
        process = start()
        file = os.pidfd_open(process)
        loop = asyncio.get_running_loop()
        loop.add_reader(file, ended.set)
        await asyncio.wait_for(ended.wait(), 0.001)
        loop.remove_reader(file)
        os.close(file)
        return [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), time.monotonic()]

    assert answer(endpoint) == [7, 0.0]


def test_what_a_process_starts_in_turn_is_waited_for() -> None:
    async def endpoint() -> list[Any]:
        command = f"{sys.executable} -S -c 'print(sum(range(20_000_000)))' | cat"
        process = await asyncio.create_subprocess_shell(command, stdout=-1)
        out, _ = await asyncio.wait_for(process.communicate(), 0.001)
        return [out.decode(), time.monotonic()]

    assert answer(endpoint) == ["199999990000000\n", 0.0]


def test_what_a_process_has_started_is_waited_for_when_it_has_ended_itself() -> None:
    async def endpoint() -> list[Any]:
        heir = [sys.executable, "-S", "-c", "input(); print(sum(range(5_000_000)))"]
        process = await python(f"import subprocess; subprocess.Popen({heir})", stdin=-1, stdout=-1)
        assert process.stdin
        assert process.stdout
        while process.returncode is None:
            await asyncio.sleep(0.1)
        process.stdin.write(b"\n")
        out = await asyncio.wait_for(process.stdout.read(), 0.001)
        return [out.decode()]

    assert answer(endpoint) == ["12499997500000\n"]


def test_a_process_can_be_read_slept_beside_and_read_again() -> None:
    async def endpoint() -> list[Any]:
        process = await python(
            "for line in open(0): print(line.upper(), end='', flush=True)", stdin=-1, stdout=-1
        )
        assert process.stdin
        assert process.stdout
        seen: list[Any] = []
        for word in (b"one\n", b"two\n"):
            process.stdin.write(word)
            line = await asyncio.wait_for(process.stdout.readline(), 0.001)
            seen += [line.decode(), time.monotonic()]
            await asyncio.sleep(1)
        process.terminate()
        await process.wait()
        return [*seen, time.monotonic()]

    assert answer(endpoint) == ["ONE\n", 0.0, "TWO\n", 1.0, 2.0]


def test_a_process_that_prints_now_and_then_is_heard_to_the_end() -> None:
    async def endpoint() -> list[str]:
        text = "import time\nfor n in range(3): print(n, flush=True); time.sleep(0.3)"
        process = await python(text, stdout=-1)
        assert process.stdout
        return [line.decode() async for line in process.stdout]

    app = FastAPI()
    app.get("/")(endpoint)
    assert play(app, get("/")).exchanges[0].json() == ["0\n", "1\n", "2\n"]


def test_a_worker_process_that_stays_does_not_stop_time() -> None:
    async def endpoint() -> list[float]:
        known = await anyio.to_process.run_sync(abs, -4)
        before = time.monotonic()
        await asyncio.sleep(1)
        return [known, before, time.monotonic()]

    assert answer(endpoint) == [4, 0.0, 1.0]


def test_a_pool_of_processes_is_given_up_at_its_timeout() -> None:
    async def endpoint() -> list[Any]:
        context = multiprocessing.get_context("spawn")
        pool = concurrent.futures.ProcessPoolExecutor(1, mp_context=context)
        loop = asyncio.get_running_loop()
        seen: list[Any] = [await asyncio.wait_for(loop.run_in_executor(pool, abs, -4), 0.001)]
        with suppress(TimeoutError):
            await asyncio.wait_for(loop.run_in_executor(pool, time.sleep, 30), 1)
        for process in list(pool._processes.values()):
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)
        return [*seen, time.monotonic()]

    assert answer(endpoint) == [4, 1.0]


def send_after_a_sleep(end: Any) -> None:
    time.sleep(0.05)
    end.send("awake")


def asked_through_a_pipe(fork: Any) -> Any:
    ours, theirs = fork.Pipe()
    child = fork.Process(target=send_after_a_sleep, args=(theirs,))
    child.start()
    answer = ours.recv()
    child.join()
    return answer


def asked_through_a_queue(fork: Any) -> Any:
    answers = fork.Queue()
    child = fork.Process(target=answers.put, args=("awake",))
    child.start()
    answer = answers.get(timeout=5)
    child.join()
    return answer


def asked_through_a_pool(fork: Any) -> Any:
    with fork.Pool(1) as pool:
        return pool.map_async(str.lower, ["AWAKE"]).get(timeout=5)[0]


@pytest.mark.parametrize("ask", [asked_through_a_pipe, asked_through_a_queue, asked_through_a_pool])
def test_a_forked_process_lives_in_real_time(ask: Callable[[Any], str]) -> None:
    def endpoint() -> list[Any]:
        return [ask(multiprocessing.get_context("fork")), time.monotonic()]

    assert answer(endpoint, patience=60) == ["awake", 0.0]


@pytest.mark.parametrize("ask", [asked_through_a_pipe, asked_through_a_queue, asked_through_a_pool])
def test_who_waits_for_what_ends_in_real_time_is_woken(
    ask: Callable[[Any], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a busy machine: it has not ended when it would have on a free one."""
    monkeypatch.setattr(locks, "SOON", 0)

    def endpoint() -> Any:
        return ask(multiprocessing.get_context("fork"))

    assert [answer(endpoint, patience=60) for _ in range(5)] == ["awake"] * 5


def test_a_lock_that_is_let_go_before_who_waits_can_rest_is_got(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a thread that isn't part of the play, and so has no turn."""
    lock = threading.Lock()
    lock.acquire()
    park, left = Clock.park, [lock]

    def let_go_and_park(*args: Any, **options: Any) -> None:
        if left:
            _thread.start_new_thread(left.pop().release, ())
            while lock.locked():
                pass
        park(*args, **options)

    monkeypatch.setattr(Clock, "park", let_go_and_park)
    assert answer(lambda: lock.acquire()) is True


def test_a_program_that_says_nothing_is_given_up_at_its_timeout() -> None:
    def endpoint() -> float:
        with pytest.raises(subprocess.TimeoutExpired):
            subprocess.run(["sleep", "30"], capture_output=True, timeout=3)
        return time.monotonic()

    assert answer(endpoint, patience=0.1) == 3.0


def test_a_process_that_waits_for_its_reader_is_stuck_at_the_line() -> None:
    async def endpoint() -> int:
        process = await python("print('x' * 1_000_000)", stdout=-1)
        return await process.wait()

    app = FastAPI()
    app.get("/")(endpoint)
    outcome = play(app, get("/"), patience=0.1).outcome
    assert outcome.kind == "stuck"
    assert outcome.line == endpoint.__code__.co_firstlineno + 2


# Threads that wait in C


def run_a_program() -> str:
    return subprocess.run(["sleep", "0.3"], check=True).args[0]


def run_a_command() -> int:
    return os.system("sleep 0.3")


def sleep_in_c() -> int:
    return int(LIBC.usleep(300_000))


def hash_in_c() -> str:
    return hashlib.scrypt(b"secret", salt=b"salt", n=2**14, r=8, p=4).hex()[:4]


@pytest.mark.parametrize("work", [run_a_program, run_a_command, sleep_in_c, hash_in_c])
def test_a_thread_that_waits_in_c_takes_no_time(work: Callable[[], object]) -> None:
    def endpoint() -> float:
        work()
        return time.monotonic()

    assert answer(endpoint, patience=60) == 0.0


# Servers elsewhere


class Slow(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        LIBC.usleep(200_000)
        self.send_response(200)
        self.send_header("content-length", "4")
        self.end_headers()
        for _ in range(2):
            self.wfile.write(b"ok")
            LIBC.usleep(50_000)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The URL of a slow server that isn't part of a play."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_elsewhere_is_waited_for(elsewhere: str) -> None:
    async def endpoint() -> list[Any]:
        async with httpx.AsyncClient(timeout=30) as client:
            texts = [(await client.get(elsewhere)).text for _ in range(2)]
        return [texts, time.monotonic()]

    assert answer(endpoint, patience=60) == [["okok", "okok"], 0.0]


def test_a_thread_waits_for_a_server_elsewhere(elsewhere: str) -> None:
    def endpoint() -> list[Any]:
        with urllib.request.urlopen(elsewhere, timeout=30) as response:
            return [response.read().decode(), time.monotonic()]

    assert answer(endpoint, patience=60) == ["okok", 0.0]


def test_a_blocked_loop_waits_for_a_server_elsewhere_as_long_as_there_is_patience(
    elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def endpoint() -> str:
        with urllib.request.urlopen(elsewhere) as response:
            return str(response.read().decode())

    monkeypatch.setattr(watchdog, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(watchdog, "IS_LOST", 0.01)
    assert answer(endpoint, patience=60) == "okok"


def test_a_server_elsewhere_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]

        async def endpoint() -> list[Any]:
            try:
                async with httpx.AsyncClient(timeout=3) as client:
                    await client.get(f"http://127.0.0.1:{port}/")
            except httpx.ReadTimeout:
                return ["given up", time.monotonic()]
            return []

        assert answer(endpoint, patience=0.1) == ["given up", 3.0]


SERVER = """
import socket, sys, time
with socket.socket(socket.AF_UNIX) as listening:
    listening.bind(sys.argv[1])
    listening.listen()
    print("ready", flush=True)
    connection = listening.accept()[0]
    while question := connection.recv(100):
        time.sleep(0.2)
        connection.sendall(question.upper())
"""


@pytest.fixture
def unix_server(tmp_path: Path) -> Iterator[Path]:
    """The socket of a slow server in another process."""
    path = tmp_path / "socket"
    command = [sys.executable, "-S", "-c", SERVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield path
        process.kill()


def test_a_server_behind_a_unix_socket_is_waited_for(unix_server: Path) -> None:
    async def endpoint() -> list[Any]:
        reader, writer = await asyncio.open_unix_connection(unix_server)
        answers = []
        for question in (b"one", b"two"):
            writer.write(question)
            answers.append((await asyncio.wait_for(reader.read(100), 0.001)).decode())
        writer.close()
        return [answers, time.monotonic()]

    assert answer(endpoint, patience=60) == [["ONE", "TWO"], 0.0]


# Sockets within the play


async def speak(host: str, port: int) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    async with asyncio.timeout(0.001):
        for _ in range(3):
            writer.write(b"question\n")
            while await reader.readline() != b"end\n":
                pass
    writer.close()


PARTS = (b"one\n", b"two\n", b"end\n")


def test_small_writes_in_the_loop_arrive_at_once() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            for part in PARTS:
                writer.write(part)
        writer.close()

    async def endpoint() -> float:
        listening = socket.create_server(("127.0.0.1", 0))
        server = await asyncio.start_server(serve, sock=listening)
        await speak(*listening.getsockname())
        server.close()
        return time.monotonic()

    assert answer(endpoint) == 0.0


def test_a_unix_socket_within_the_play_lives_by_its_clock(tmp_path: Path) -> None:
    path = tmp_path / "socket"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        await asyncio.sleep(3)
        writer.write(b"late\n")
        writer.close()

    async def endpoint() -> list[Any]:
        server = await asyncio.start_unix_server(serve, path)
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"question\n")
        line = await reader.readline()
        writer.close()
        server.close()
        return [line.decode(), time.monotonic()]

    assert answer(endpoint, patience=1000) == ["late\n", 3.0]


def test_a_play_goes_on_where_the_system_names_no_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS. The loop's own wake-up pipe is a pair of Unix sockets."""
    monkeypatch.delattr(socket, "SO_PEERCRED", raising=False)

    async def endpoint() -> None:
        await asyncio.sleep(1)

    assert trace_of(endpoint).outcome.kind == "finished"


def test_small_writes_from_a_thread_arrive_at_once() -> None:
    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            while connection.recv(100):
                for part in PARTS:
                    connection.sendall(part)

    async def endpoint() -> float:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            threading.Thread(target=serve, args=(listening,)).start()
            await speak(*listening.getsockname())
        return time.monotonic()

    assert answer(endpoint) == 0.0


def test_accept_on_the_loop_waits_for_a_client_in_a_thread() -> None:
    async def endpoint() -> list[Any]:
        with socket.create_server(("127.0.0.1", 0)) as listening:

            def connect() -> None:
                time.sleep(2)
                with socket.create_connection(listening.getsockname()) as client:
                    client.sendall(b"hi")

            threading.Thread(target=connect).start()
            connection, _ = listening.accept()
            with connection:
                return [connection.recv(2).decode(), time.monotonic()]

    assert answer(endpoint) == ["hi", 2.0]


# Loops of their own


@pytest.mark.parametrize("make", [asyncio.SelectorEventLoop, asyncio.new_event_loop])
def test_a_loop_in_a_thread_lives_by_the_clock_however_it_was_made(make: Any) -> None:
    def endpoint() -> list[Any]:
        with asyncio.Runner(loop_factory=make) as runner:
            runner.run(asyncio.sleep(1))
        return [time.monotonic(), isinstance(runner._loop, asyncio.SelectorEventLoop | None)]

    assert answer(endpoint) == [1.0, True]


# Under load


def test_a_busy_machine_changes_no_time(elsewhere: str) -> None:
    with busy_machine(3):
        assert answer(end_of_a_sleeper) == ["killed", 1.0, -9]
        test_a_thread_waits_for_a_server_elsewhere(elsewhere)
        test_a_process_that_computes_is_waited_for()
        test_small_writes_from_a_thread_arrive_at_once()


def test_an_app_can_be_played_where_blockbuster_watches() -> None:
    """What the kit itself reads of files is not the app's doing."""
    app = FastAPI()

    @app.get("/sleeps")
    async def sleeps() -> None:
        await asyncio.sleep(1)

    @app.get("/in-thread")
    def in_thread() -> None:
        time.sleep(1)

    @app.get("/program")
    async def program() -> None:
        await asyncio.to_thread(subprocess.run, ["true"], check=True)

    @app.get("/fails")
    async def fails() -> None:
        raise OSError

    paths = ("/sleeps", "/in-thread", "/program", "/fails")
    with blockbuster_ctx():
        trace = play(app, [get(path) for path in paths])
    assert [exchange.status for exchange in trace.exchanges] == [200, 200, 200, 500]
    assert [exchange.raised and exchange.raised.type for exchange in trace.exchanges][
        3
    ] == "OSError"
