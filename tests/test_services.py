"""Services in general: a new kind of service is a folder and an entry, and nothing else."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI

from grader import get, play, scenario
from grader.model.scenarios import OtherService
from grader.services import registry
from grader.services.base.connection import ClientConnection
from grader.services.base.context import ServiceContext
from grader.services.base.host import ServiceHost
from grader.services.base.kind import ServiceKind

# A toy: a client sends a line, and gets it back in capitals, after a while.


class ShoutConnection(ClientConnection):
    def receive(self, data: bytes) -> None:
        if not data:
            self.close("done")
            return
        if self.life is None:
            self.begin_life(self.sender())
        statement = self.begin("statement", self.sender(), data.decode().strip())

        def answer() -> None:
            self.recorder.end(statement, "done")
            self.pipe.send(data.upper())

        self.after(self._host.takes, answer)  # type: ignore[attr-defined]


class ShoutService(ServiceHost[ShoutConnection]):
    def __init__(self, description: OtherService, name: str, context: ServiceContext) -> None:
        super().__init__(name, context)
        self.takes = float(description.settings["takes"])
        self.listen()

    @property
    def given(self) -> str:
        return "shout://{}:{}".format(*self.address)

    def connected(self, sock: socket.socket, port: int) -> ShoutConnection:
        return ShoutConnection(self, sock, port)


woken: list[str] = []


@pytest.fixture(autouse=True)
def shout(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder of the kind, and its entry in the registry."""
    module: Any = ModuleType("shout_kind")
    module.KIND = ServiceKind(
        make=ShoutService, wake=lambda: woken.append("shout"), schemes=("shout",)
    )
    monkeypatch.setitem(sys.modules, "shout_kind", module)
    monkeypatch.setitem(registry.KINDS, "shout", "shout_kind")
    yield
    woken.clear()


SHOUT = OtherService("shout", {"takes": 0.5})


def place_in(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("shout://").split(":")
    return host, int(port)


def asks_with_asyncio(url: str) -> FastAPI:
    app = FastAPI()

    @app.get("/{word}")
    async def ask(word: str) -> str:
        reader, writer = await asyncio.open_connection(*place_in(url))
        writer.write(word.encode() + b"\n")
        answer = await reader.readline()
        writer.close()
        return answer.decode().strip()

    return app


def test_a_kind_of_service_is_a_folder_and_an_entry() -> None:
    """Its spans are like any other's: they tell the name, the request, and how it ended."""
    trace = play(asks_with_asyncio, get("/one"), get("/two", at=0.25), url=SHOUT)
    assert [(e.json(), e.elapsed) for e in trace.exchanges] == [("ONE", 0.5), ("TWO", 0.5)]
    told = [(s.kind, s.name, s.exchange, s.arguments, s.how) for s in trace.spans if s.resource]
    assert told == [
        ("connection", "url", 0, (), "done"),
        ("statement", "url", 0, ("one",), "done"),
        ("connection", "url", 1, (), "done"),
        ("statement", "url", 1, ("two",), "done"),
    ]


def test_a_client_that_blocks_the_loop_is_served_by_a_new_kind_as_well() -> None:
    def factory(url: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def ask() -> list[Any]:
            with socket.create_connection(place_in(url)) as sock:
                sock.sendall(b"hear\n")
                return [sock.recv(100).decode(), time.monotonic()]

        return app

    trace = play(factory, get("/"), url=SHOUT)
    assert trace.exchanges[0].json() == ["HEAR\n", 0.5]
    assert ("loop-blocked", 0.5) in [(i.kind, i.seconds) for i in trace.incidents]


def test_a_loop_that_the_factory_runs_is_served_too() -> None:
    """`asyncio.run` before the app is there: the loop that the service lives in is not running."""

    def factory(url: str) -> FastAPI:
        async def ask() -> list[Any]:
            reader, writer = await asyncio.open_connection(*place_in(url))
            writer.write(b"hear\n")
            answer = await reader.readline()
            writer.close()
            return [answer.decode(), time.monotonic()]

        answers = asyncio.run(ask())
        app = FastAPI()
        app.get("/")(lambda: answers)
        return app

    trace = play(factory, get("/"), url=SHOUT)
    assert trace.exchanges[0].json() == ["HEAR\n", 0.5]
    assert trace.opened == 500_000


def test_what_is_left_open_at_the_end_is_told_and_given_back() -> None:
    kept: list[Any] = []

    def factory(url: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def ask() -> None:
            reader, writer = await asyncio.open_connection(*place_in(url))
            kept.append(writer)
            writer.write(b"hear\n")
            await reader.readline()

        return app

    trace = play(factory, get("/"), url=SHOUT)
    assert [s.how for s in trace.spans if s.kind == "connection"] == ["open"]
    assert trace.exchanges[0].elapsed == 0.5


def test_a_scenario_with_another_kind_of_service_crosses_a_process_border() -> None:
    import msgspec

    from grader.model.scenarios import Scenario

    asked = scenario(get("/"), url=SHOUT)
    assert msgspec.json.decode(msgspec.json.encode(asked), type=Scenario) == asked


def test_servers_are_woken_by_the_kind_that_a_scenario_names() -> None:
    tags = {registry.tag_of(what) for what in scenario(get("/"), url=SHOUT).collaborators.values()}
    registry.wake(tags)
    assert woken == ["shout"]
    assert registry.tag_of(len) == ""


def test_every_kind_can_be_asked_what_it_is_without_being_loaded() -> None:
    for kind in registry.kinds():
        assert isinstance(kind, ServiceKind)
        assert kind.schemes


def test_imports_tell_what_plays_will_load() -> None:
    """The drivers among them, and the kit's own end of what they lead to."""
    relay = "grader.services.postgres.relay"
    assert registry.loaded_by(["json", "psycopg.rows", "asyncpg"]) == (
        "psycopg.rows",
        relay,
        "asyncpg",
    )
    assert registry.loaded_by(["json", "fastapi.responses"]) == ()
