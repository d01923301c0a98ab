"""What a player gets of servers: descriptors, each for its own lease. About 6 s.

The broker is spoken to as a player of bad will would, past our own code.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from grader import get, postgres, scenario
from grader.judge import broker as judges
from grader.judge.broker import PlayerBroker
from grader.judge.players import FilePlayer, Subject
from grader.judge.workers import Worker
from grader.model.details import ChannelLost
from grader.processes.channel import Channel, ChannelClosed
from grader.services.base.broker import Broker, BrokerRequest, Done
from grader.services.base.errors import ServiceError
from grader.services.postgres.broker import MOST_LEASES
from grader.services.postgres.brokered import (
    KIND,
    GiveBack,
    LeaseDatabase,
    LeaseMade,
    OpenSession,
)
from grader.services.postgres.daemon.leases import BrokeredLease, stop
from grader.services.postgres.daemon.messages import Answer, Ask, Query, RequestFailed, Stop
from grader.services.postgres.wire import ASKS_FOR_TLS, CANCEL


@pytest.fixture(scope="module", autouse=True)
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATABASE_URL", raising=False)
        patch.setenv("GRADER_STATE", str(tmp_path_factory.mktemp("keeper")))
        yield
        stop()


@pytest.fixture
def broker() -> Iterator[Broker]:
    ours, players = socket.socketpair()
    serving = PlayerBroker(ours)
    with players:
        yield Broker(players)
        serving.close()


@pytest.fixture(scope="module")
def worker(keeper: None) -> Iterator[Worker]:
    with closing(Worker()) as worker:
        yield worker


def startup(user: str, database: str) -> bytes:
    words = b"".join(f"{word}\0".encode() for word in ("user", user, "database", database, ""))
    return struct.pack("!II", len(words) + 8, 3 << 16) + words


def test_lease_of_a_player_works_and_ends(broker: Broker) -> None:
    lease = BrokeredLease.made(broker, "create table t as select 7 as x")
    assert lease.rows("select x from t") == [{"x": 7}]
    packet = startup(lease.address.user, lease.address.database)
    with lease.connect(packet) as session:
        assert session.recv(1) == b"R", "the server asks for the password of the lease"
    lease.close()
    with pytest.raises(ConnectionRefusedError):
        lease.connect(packet)


def test_session_is_opened_for_the_user_and_database_of_the_lease_alone(broker: Broker) -> None:
    with BrokeredLease.made(broker, "") as mine, BrokeredLease.made(broker, "") as other:
        user, database = mine.address.user, mine.address.database
        for packet in (
            startup("postgres", database),
            startup(user, "postgres"),
            startup(other.address.user, other.address.database),
            startup(user, database) * 2,
            startup(user, database)[:-1],
            ASKS_FOR_TLS,
            b"",
        ):
            with pytest.raises(ConnectionRefusedError):
                mine.connect(packet)


def test_statement_can_be_cancelled_by_who_knows_its_secret(broker: Broker) -> None:
    packet = struct.pack("!IIII", 16, CANCEL, 1, 1)
    with BrokeredLease.made(broker, "") as lease, lease.connect(packet) as connection:
        assert connection.recv(1) == b"", "the server hangs up, whatever the secret"


def test_connection_to_the_keeper_is_for_one_lease_and_no_more(broker: Broker) -> None:
    """It was made by the judge, which could stop the keeper; a player can't with it."""
    _, connection = broker.ask_for_connection(KIND, LeaseDatabase(""), LeaseMade)
    channel = Channel(connection)
    for request in (Stop(), Ask()):
        channel.send(request)
        assert isinstance(channel.receive(Answer), RequestFailed)  # type: ignore[arg-type]
    channel.send(Query("select 1"))
    assert not isinstance(channel.receive(Answer), RequestFailed)  # type: ignore[arg-type]
    channel.close()


def test_leases_of_a_player_are_counted(broker: Broker) -> None:
    leases = [BrokeredLease.made(broker, "") for _ in range(MOST_LEASES)]
    with pytest.raises(ServiceError, match=f"may have {MOST_LEASES} databases"):
        BrokeredLease.made(broker, "")
    leases.pop().close()
    leases.append(BrokeredLease.made(broker, ""))
    for lease in leases:
        lease.close()


def test_lease_that_was_given_back_is_over_for_all_who_hold_it(broker: Broker) -> None:
    made, connection = broker.ask_for_connection(KIND, LeaseDatabase(""), LeaseMade)
    broker.ask(KIND, GiveBack(made.address.database), Done)
    with connection:
        assert connection.recv(1) == b""


def test_lease_is_given_back_though_its_descriptor_was_closed(broker: Broker) -> None:
    """By a play that closes what isn't its own: the next plays have databases all the same."""
    for _ in range(MOST_LEASES + 1):
        lease = BrokeredLease.made(broker, "")
        os.close(lease._channel.fileno())
        with pytest.raises(OSError, match="descriptor"):
            lease.close()


@pytest.mark.parametrize("kind", ["postgres", "upstream", "../evil", ""])
def test_broker_hangs_up_on_what_makes_no_sense(broker: Broker, kind: str) -> None:
    with pytest.raises(ServiceError):
        broker.ask(kind, OpenSession("", b"") if kind != "postgres" else Done(), Done)


@pytest.mark.parametrize("pooler", [0, 2], ids=["directly", "through a pooler"])
def test_player_without_an_address_of_any_server_plays_with_one(
    worker: Worker, tmp_path: Path, pooler: int
) -> None:
    """Neither variables nor files tell it where servers are."""
    source = """
import asyncpg, os
from fastapi import FastAPI

def exercise_1(dsn):
    app = FastAPI()

    @app.get("/")
    async def root():
        connection = await asyncpg.connect(dsn, statement_cache_size=0)
        print(await connection.fetchval("select 6 * 7"), *sorted(os.environ))
        try:
            await connection.fetchval("select pg_sleep(20)", timeout=0.1)
        except TimeoutError:
            print("cancelled")
        await connection.close()

    return app
"""
    with closing(FilePlayer(worker, source, str(tmp_path / "exercise.py"))) as player:
        played = scenario(get("/"), dsn=postgres(1, pooler=pooler))
        trace = Subject(player, "exercise_1").play(played)
    answer, *names, end = trace.output.split()
    assert (answer, end) == ("42", "cancelled"), trace
    assert not {name for name in names if name.startswith("GRADER_") or name.endswith("_URL")}
    assert "GRADER_STATE" in os.environ


SPOILED = {
    "closed": "end.close()",
    "shut": "end.shutdown(socket.SHUT_RDWR)",
    "shut to read": "end.shutdown(socket.SHUT_RD)",
    "written to": "end.sendall(b'\\0\\0\\0\\2{}')",
    "replaced": "os.dup2(os.open(os.devnull, os.O_RDWR), end.fileno())",
    "filled": "end.sendall(struct.pack('!I', 1 << 30))",
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_play_that_spoils_its_line_to_the_broker_has_done_so_itself(
    worker: Worker, tmp_path: Path, spoil: str
) -> None:
    """It asks for a database afterwards, and the grader did not break."""
    source = f"""
import os, socket, struct
from fastapi import FastAPI

def exercise_1(dsn):
    from grader.services.base import broker
    end = broker.broker()._end
    {spoil}
    return FastAPI()
"""
    with closing(FilePlayer(worker, source, str(tmp_path / "exercise.py"))) as player:
        subject = Subject(player, "exercise_1")
        subject.play(scenario(dsn=postgres(1)))
        trace = subject.play(scenario(dsn=postgres(2)))
    assert trace.outcome.detail == ChannelLost()


def test_fault_of_the_brokers_own_is_said(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The play would be charged with it, if the broker just hung up."""
    monkeypatch.setattr(judges, "kind", lambda _: None)
    with pytest.raises(ServiceError, match="AttributeError"):
        broker.ask(KIND, GiveBack("x"), Done)


def test_broker_is_not_held_up_by_half_a_message() -> None:
    ours, players = socket.socketpair()
    serving = PlayerBroker(ours)
    with players:
        players.sendall(b"\0\0\0\xff{")
        serving.close()
        assert players.recv(1) == b""


def test_broker_reads_only_so_much_of_a_player(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judges, "MOST_BYTES", 400)
    broker.ask(KIND, GiveBack("x" * 100), Done)
    with pytest.raises(ServiceError):
        broker.ask(KIND, GiveBack("x" * 400), Done)


def test_broker_takes_no_message_that_is_too_large() -> None:
    ours, players = socket.socketpair()
    PlayerBroker(ours)
    with players:
        players.sendall(b"\xff\xff\xff\xff")
        with pytest.raises(ChannelClosed):
            Channel(players).receive(BrokerRequest)
