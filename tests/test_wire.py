"""PostgreSQL's protocol: cut into messages, put together to batches, and what they carry out."""

from __future__ import annotations

import asyncio
import random
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

import asyncpg
import msgspec
import psycopg
import pytest

from grader.services.postgres.daemon.leases import lease
from grader.services.postgres.daemon.messages import Address
from grader.services.postgres.wire import (
    Batch,
    Batches,
    Frame,
    FrameParser,
    Malformed,
    Statement,
    error,
)

SEED = "create table items (id serial, name text); insert into items (name) values ('a')"


# Traffic of real drivers with the real server


class Traffic(NamedTuple):
    """What went over one connection, each way."""

    asked: bytes
    answered: bytes


class Tap:
    """Passes bytes between a driver and the server, and keeps them."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._kept: list[tuple[bytearray, bytearray]] = []
        self._sessions: set[asyncio.Task[None]] = set()

    def traffic(self) -> list[Traffic]:
        return [Traffic(bytes(asked), bytes(answered)) for asked, answered in self._kept]

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._sessions.add(task)
        path = self._address.socket_path
        assert path
        server_reader, server_writer = await asyncio.open_unix_connection(path)
        kept = bytearray(), bytearray()
        self._kept.append(kept)
        await asyncio.gather(
            self._pump(reader, server_writer, kept[0]), self._pump(server_reader, writer, kept[1])
        )

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                kept += data
                writer.write(data)
        writer.close()

    async def end(self) -> None:
        await asyncio.wait(self._sessions)


async def tapped(address: Address, talk: Callable[[str], Awaitable[None]]) -> list[Traffic]:
    tap = Tap(address)
    server = await asyncio.start_server(tap.meet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await talk(msgspec.structs.replace(address, host="127.0.0.1", port=port).dsn)
    await tap.end()
    server.close()
    return tap.traffic()


async def talk_as_asyncpg(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.fetch("select $1::int, $2::text", 1, "ü")
    await connection.executemany("insert into items (name) values ($1)", [("b",), ("c",)])
    with suppress(asyncpg.PostgresError):
        await connection.fetch("select 1 / $1::int", 0)
    with suppress(asyncpg.PostgresError):
        await connection.fetch("select nothing")
    await connection.copy_records_to_table("items", columns=["name"], records=[("d",)] * 9)
    async with connection.transaction():
        rows = [row async for row in connection.cursor("select * from items", prefetch=5)]
    assert len(rows) == 12
    await connection.execute("select 1; select 2")
    await connection.close()


async def talk_as_psycopg(dsn: str) -> None:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute("select %s, %s", (1, "ü"))
        async with connection.pipeline():
            first = await connection.execute("select 1")
            second = await connection.execute("select generate_series(1, 3)")
            assert await first.fetchone() == (1,)  # flushes what is to come
            assert len(await second.fetchall()) == 3
        async with connection.cursor() as cursor:
            await cursor.executemany("insert into items (name) values (%s)", [("b",), ("c",)])
            async with cursor.copy("copy items (name) from stdin") as copy:
                await copy.write_row(("d",))
            async with cursor.copy("copy items to stdout") as copy:
                assert len([row async for row in copy.rows()]) == 4
        with suppress(psycopg.Error):
            async with connection.pipeline():
                await connection.execute("select 1 / 0")
                await (await connection.execute("select 2")).fetchone()
        await connection.rollback()


@pytest.fixture(scope="module")
def traffic() -> list[Traffic]:
    found = []
    for talk in (talk_as_asyncpg, talk_as_psycopg):
        with lease(SEED) as held:
            found += asyncio.run(tapped(held.address, talk))
    return found


def asked_frames(chunks: Iterator[bytes]) -> Iterator[Frame]:
    """The frames of a client's side; after a packet that asks for encryption comes another."""
    parser = FrameParser(first_packet=True)
    for chunk in chunks:
        for frame in parser.feed(chunk):
            parser.first_packet = frame.type == 0 and len(frame.body) == 4
            yield frame


def answered_frames(chunks: Iterator[bytes]) -> Iterator[Frame]:
    parser = FrameParser(first_packet=False)
    for chunk in chunks:
        yield from parser.feed(chunk)


def without_answer_to_encryption(answered: bytes) -> bytes:
    """The server says yes or no in a single byte, before its messages begin."""
    return answered.lstrip(b"N")


def cut(data: bytes, choose: random.Random, longest: int) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        end = at + choose.randint(1, longest)
        yield data[at:end]
        at = end


def test_traffic_is_cut_into_messages_and_nothing_is_lost(traffic: list[Traffic]) -> None:
    assert len(traffic) == 2
    for asked, answered in traffic:
        frames = list(asked_frames(iter([asked])))
        packed = [frame.packed if frame.type else frame.packed[1:] for frame in frames]
        assert b"".join(packed) == asked
        rest = without_answer_to_encryption(answered)
        assert b"".join(frame.packed for frame in answered_frames(iter([rest]))) == rest
        assert chr(frames[-1].type) == "X"


@pytest.mark.parametrize(("seed", "longest"), [(1, 1), (2, 3), (3, 10), (4, 100), (5, 1000)])
def test_where_the_stream_is_cut_does_not_matter(
    traffic: list[Traffic], seed: int, longest: int
) -> None:
    choose = random.Random(seed)
    for asked, answered in traffic:
        assert [*asked_frames(cut(asked, choose, longest))] == [*asked_frames(iter([asked]))]
        rest = without_answer_to_encryption(answered)
        whole = [*answered_frames(iter([rest]))]
        assert [*answered_frames(cut(rest, choose, longest))] == whole


def test_a_message_is_given_as_soon_as_it_is_complete(traffic: list[Traffic]) -> None:
    """With its last byte, not with the first of the next one."""
    whole = without_answer_to_encryption(traffic[0].answered)
    frame = next(answered_frames(iter([whole])))
    end = len(frame.packed)
    for split in range(1, end):
        parser = FrameParser(first_packet=False)
        assert list(parser.feed(whole[:split])) == []
        assert list(parser.feed(whole[split:end])) == [frame]


def test_each_batch_has_an_answer_that_ends_where_the_next_begins(traffic: list[Traffic]) -> None:
    """Taken batch by batch, the server's messages come out even."""
    for asked, answered in traffic:
        frames = deque(answered_frames(iter([without_answer_to_encryption(answered)])))
        while chr(frames.popleft().type) != "Z":  # the end of the login
            pass
        batches, about = Batches(), Batch()
        for frame in asked_frames(iter([asked])):
            batch = batches.add(frame) if frame.type and chr(frame.type) not in "Xp" else None
            if batch and batch.expects_answer:
                about = about if about.wants_data else batch
                take_skipping(about, frames)
        assert not frames


def take_skipping(batch: Batch, frames: deque[Frame]) -> None:
    """Take the answer, if there is one: after an error there is none but for a Sync."""
    if batch.is_synced or chr(frames[0].type) != "Z":
        while not batch.take(frames.popleft()):
            pass


def test_statements_of_real_drivers_are_read(traffic: list[Traffic]) -> None:
    found = []
    for asked, _ in traffic:
        batches = Batches()
        for frame in asked_frames(iter([asked])):
            if frame.type and (batch := batches.add(frame)):
                found += [(s.text, s.parameters) for s in batch.statements if s.is_learners]
    assert found == [
        ("select $1::int, $2::text", 2),
        ("insert into items (name) values ($1)", 1),
        ("select 1 / $1::int", 1),
        ('COPY "items"("name") FROM STDIN (FORMAT binary) ', 0),
        ("select * from items", 0),
        ("select * from items", 0),
        ("select * from items", 0),
        ("select 1; select 2", 0),
        ("select $1, $2", 2),
        ("select 1", 0),
        ("select generate_series(1, 3)", 0),
        ("insert into items (name) values ($1)", 1),
        ("copy items (name) from stdin", 0),
        ("copy items to stdout", 0),
        ("select 1 / 0", 0),
        ("select 2", 0),
    ]


# Messages of our own


def text(value: str) -> bytes:
    return value.encode() + b"\0"


def query(sql: str) -> Frame:
    return Frame(ord("Q"), text(sql))


def parse(sql: str, name: str = "") -> Frame:
    return Frame(ord("P"), text(name) + text(sql) + b"\0\0")


def bind(*values: bytes, name: str = "", portal: str = "", formats: int = 0) -> Frame:
    packed = b"".join(struct.pack("!i", len(value)) + value for value in values)
    head = struct.pack(f"!H{formats}HH", formats, *[1] * formats, len(values))
    return Frame(ord("B"), text(portal) + text(name) + head + packed + b"\0\0")


def execute(portal: str = "") -> Frame:
    return Frame(ord("E"), text(portal) + b"\0\0\0\0")


SYNC, FLUSH = Frame(ord("S"), b""), Frame(ord("H"), b"")
PARSED, BOUND, READY = Frame(ord("1"), b""), Frame(ord("2"), b""), Frame(ord("Z"), b"I")
ROW, FAILED, WANTS_DATA = Frame(ord("D"), b"\0\0"), error("ERROR", "22012", "no"), Frame(71, b"")


def done(tag: str) -> Frame:
    return Frame(ord("C"), text(tag))


def only(batches: Batches, *frames: Frame) -> Batch:
    """The batch that these frames make: complete with the last one, and not before."""
    *some, last = [batches.add(frame) for frame in frames]
    assert not any(some)
    assert last
    return last


def batch_of(*frames: Frame) -> Batch:
    return only(Batches(), *frames)


def taken(batch: Batch, *answer: Frame) -> list[bool]:
    return [batch.take(frame) for frame in answer]


def test_a_batch_ends_with_what_asks_for_an_answer() -> None:
    batches = Batches()
    assert only(batches, query("select 1")).is_synced
    assert only(batches, parse("select 1"), bind(), execute(), SYNC).is_synced
    assert not only(batches, parse("select 1"), FLUSH).is_synced
    assert only(batches, Frame(ord("p"), text("secret"))).is_synced


def test_the_answer_to_a_flush_ends_with_the_answer_to_its_last_message() -> None:
    batch = batch_of(
        parse("select 1"), bind(), execute(), parse("select 2"), bind(), execute(), FLUSH
    )
    answer = [PARSED, BOUND, ROW, done("SELECT 1"), PARSED, BOUND, ROW, done("SELECT 1")]
    assert taken(batch, *answer) == [False] * 7 + [True]


def test_an_error_ends_the_answer_to_a_flush_and_not_to_a_sync() -> None:
    frames = parse("select 1/0"), bind(), execute()
    assert taken(batch_of(*frames, FLUSH), PARSED, BOUND, FAILED) == [False, False, True]
    synced = batch_of(*frames, SYNC)
    assert taken(synced, PARSED, BOUND, FAILED, READY) == [False, False, False, True]


def test_notices_do_not_end_an_answer() -> None:
    """They come at any time, and so do changes of settings, and notifications."""
    others = [Frame(ord(kind), b"\0") for kind in "NSA"]
    assert taken(batch_of(parse("select 1"), FLUSH), *others, PARSED) == [False] * 3 + [True]
    described = batch_of(parse("select $1"), Frame(ord("D"), b"S\0"), FLUSH)
    answer = PARSED, Frame(ord("t"), b"\0\0"), *others, Frame(ord("n"), b"")
    assert taken(described, *answer) == [False] * 5 + [True]


def test_a_flush_of_nothing_has_no_answer() -> None:
    assert not batch_of(FLUSH).expects_answer
    assert batch_of(SYNC).expects_answer


def test_the_data_of_a_copy_is_one_batch() -> None:
    """It ends with the data if a Query asked for it, and with a Sync if an Execute did."""
    data, end, failure = Frame(ord("d"), b"1"), Frame(ord("c"), b""), Frame(ord("f"), text("no"))
    batches = Batches()
    asked = only(batches, query("copy items from stdin"))
    assert taken(asked, WANTS_DATA) == [True]
    assert asked.wants_data
    only(batches, data, data, end)
    assert taken(asked, done("COPY 2"), READY) == [False, True]
    assert (asked.wants_data, asked.statements[0].rows) == (False, 2)
    only(batches, query("copy items from stdin"))
    only(batches, data, failure)
    asked = only(batches, parse("copy items from stdin"), bind(), execute(), SYNC)
    assert taken(asked, PARSED, BOUND, WANTS_DATA) == [False, False, True]
    only(batches, data, end, SYNC)


# Statements


def test_rows_are_those_that_come_or_else_those_that_are_changed() -> None:
    batches = Batches()
    batch = only(
        batches,
        *(parse("select 1"), bind(), execute()),
        *(parse("update items set id = id"), bind(), execute()),
        *(parse("insert into items values (1) returning id"), bind(), execute()),
        *(parse("begin"), bind(), execute()),
        SYNC,
    )
    taken(batch, PARSED, BOUND, ROW, ROW, done("SELECT 2"), PARSED, BOUND, done("UPDATE 3"))
    taken(batch, PARSED, BOUND, ROW, done("INSERT 0 1"), PARSED, BOUND, done("BEGIN"), READY)
    assert [statement.rows for statement in batch.statements] == [2, 3, 1, 0]


def test_a_query_of_several_statements_is_one() -> None:
    batch = batch_of(query("select 1; select 2"))
    taken(batch, ROW, done("SELECT 1"), ROW, ROW, done("SELECT 2"), READY)
    assert batch.statements == [Statement("select 1; select 2", rows=3)]


def test_a_statement_that_is_parsed_once_and_bound_often_is_one() -> None:
    """That is `executemany`. Parsed again, it is another one with the same text."""
    insert = "insert into items values ($1)"
    many = batch_of(parse(insert, "s"), *[bind(b"1", name="s"), execute()] * 3, SYNC)
    taken(many, PARSED, *[BOUND, done("INSERT 0 1")] * 3, READY)
    assert many.statements == [Statement(insert, parameters=1, rows=3, times=3)]
    pipeline = batch_of(*[parse(insert), bind(b"1"), execute()] * 3, SYNC)
    assert len(pipeline.statements) == 3


def test_prepared_statements_and_portals_are_known_by_name() -> None:
    batches = Batches()
    prepared = only(batches, parse("select $1", "one"), parse("select $1, $2", "two"), SYNC)
    assert prepared.statements == []
    both = only(
        batches,
        bind(b"x", b"yz", name="two", portal="p", formats=2),
        bind(b"x", name="one"),
        execute("p"),
        execute(),
        SYNC,
    )
    assert both.statements == [Statement("select $1, $2", 2), Statement("select $1", 1)]
    (again,) = only(batches, execute("p"), SYNC).statements
    assert (again.text, again.rows) == ("select $1, $2", 0)
    (unknown,) = only(batches, execute("no such portal"), SYNC).statements
    assert not unknown.is_learners


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "\n  select * from items",
        "insert into items values (';')",
        "update items set name = 'commit'",
        "settle",
        "begin; update items set id = 2; commit",
        "set search_path to x; select 1",
        "declare c cursor for select 1",
        "fetch forward 10 from c",
        "listen news",
        "select pg_notify('news', '')",
        "select pg_type from items",
        "select * from pg_class",
        "copy items from stdin",
        "do $$ begin end $$",
        "with recursive t as (select 1) select * from t",
        "/* all */ select 1",
        "\N{SNOWMAN}",
    ],
)
def test_statements_of_the_learners(sql: str) -> None:
    assert Statement(sql).is_learners


@pytest.mark.parametrize(
    "sql",
    [
        "",
        " ; ",
        "BEGIN",
        "BEGIN;",
        "begin isolation level serializable",
        "START TRANSACTION",
        "commit",
        "COMMIT;",
        "ROLLBACK TO SAVEPOINT s",
        'SAVEPOINT "_asyncpg_savepoint_1"',
        "release savepoint s",
        "SET LOCAL x TO 1",
        "show transaction isolation level",
        "RESET ALL;",
        "DISCARD ALL",
        "deallocate all",
        'CLOSE "c"',
        "UNLISTEN *",
        "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;",
        "select pg_catalog.version()",
        "select current_schema()",
        "SELECT\n    typname AS name, oid\nFROM pg_type t\nWHERE t.oid = 1",
        "SELECT t.oid FROM\n    pg_catalog.pg_type AS t",
        "WITH RECURSIVE typeinfo_tree(oid) AS (select 1) select 1",
        "\n  SELECT\n  current_setting('jit') AS cur, set_config('jit', 'off', false)",
    ],
)
def test_statements_that_are_not_the_learners(sql: str) -> None:
    """What frames a transaction, and what drivers, pools and SQLAlchemy send by themselves."""
    assert not Statement(sql).is_learners
    assert not Statement(sql).takes_time


def test_to_declare_a_cursor_takes_no_time() -> None:
    """The server has work when rows are fetched."""
    assert not Statement('DECLARE "c" CURSOR FOR select 1').takes_time
    assert Statement("FETCH FORWARD 10 FROM c").takes_time


@pytest.mark.parametrize("sql", ["listen news", "LISTEN a; LISTEN b", "select 1; listen a"])
def test_who_listens_is_known(sql: str) -> None:
    assert Statement(sql).listens
    assert not Statement("select 'listen a'").listens


def test_a_long_statement_is_looked_at_quickly() -> None:
    long = Statement("select '" + "from pg_type; " * 200_000 + "'")
    assert long.is_learners


# Errors in the place of a batch


def test_a_query_that_fails_stands_in_the_place_of_a_batch() -> None:
    for batch in (
        batch_of(query("select 1")),
        batch_of(parse("select 1"), bind(), execute(), FLUSH),
    ):
        (failing,) = batch.in_error("40001", "it's 100% gone").frames
        assert failing == query(
            "do $fault$begin raise exception 'it''s 100%% gone' using errcode = '40001'; end$fault$"
        )


def test_a_state_that_none_can_have_is_an_internal_error() -> None:
    (failing,) = batch_of(query("select 1")).in_error("'; drop", "x").frames
    assert b"errcode = 'XX000'" in failing.body


def test_the_data_of_a_copy_is_called_off_instead() -> None:
    """Amid data the server understands nothing else."""
    data, end = Frame(ord("d"), b"1"), Frame(ord("c"), b"")
    simple, extended = Batch([data, data, end]), Batch([data, end, SYNC])
    off = Frame(ord("f"), text("no"))
    assert simple.in_error("57014", "no").frames == [off]
    assert extended.in_error("57014", "no").frames == [off, SYNC]


def test_an_error_is_as_the_server_sends_it() -> None:
    assert error("FATAL", "53300", "too many").packed == (
        b"E\0\0\0\x24" + b"SFATAL\0" + b"VFATAL\0" + b"C53300\0" + b"Mtoo many\0" + b"\0"
    )


# What is none of the protocol


@pytest.mark.parametrize(
    ("is_first", "sent"),
    [
        (True, b"GET / HTTP/1.1\r\n\r\n"),
        (True, b"\x16\x03\x01\x02\x00\x01"),  # TLS without asking for it
        (True, struct.pack("!I", 7) + b"xxx"),
        (True, struct.pack("!I", 0)),
        (True, struct.pack("!I", 10_001)),
        (False, b"Q" + struct.pack("!I", 3)),
        (False, b"Q" + struct.pack("!I", 0)),
        (False, b"Q\xff\xff\xff\xff"),
    ],
)
def test_a_length_that_none_can_have_is_known_at_once(is_first: bool, sent: bytes) -> None:
    """Not only when so many bytes have come."""
    with pytest.raises(Malformed):
        list(FrameParser(is_first).feed(sent))


@pytest.mark.parametrize(
    "frame",
    [
        Frame(ord("Q"), b""),
        Frame(ord("Q"), b"select 1"),
        Frame(ord("P"), b"name\0select 1"),
        Frame(ord("P"), b""),
        Frame(ord("B"), b"portal\0name"),
        Frame(ord("B"), b"\0\0"),
        Frame(ord("B"), b"\0\0\x00\x09\x00\x01"),
        Frame(ord("E"), b"portal"),
    ],
)
def test_a_message_that_is_cut_short_is_malformed(frame: Frame) -> None:
    with pytest.raises(Malformed):
        Batches().add(frame)


def test_garbage_is_malformed_or_harmless() -> None:
    """Whatever comes, nothing else is raised."""
    malformed = 0
    for seed in range(2000):
        choose = random.Random(seed)
        parser, batches = FrameParser(first_packet=False), Batches()
        kinds = choose.choices("QPBEDCSHXdcfp\0\xff", k=5)
        bodies = [choose.randbytes(choose.randint(0, 12)) for _ in kinds]
        sent = b"".join(
            struct.pack("!BI", ord(kind), len(body) + choose.choice([4, 4, 4, 3, 5])) + body
            for kind, body in zip(kinds, bodies, strict=True)
        )
        try:
            for frame in parser.feed(sent):
                if batch := batches.add(frame):
                    assert batch.packed
        except Malformed:
            malformed += 1
    assert 500 < malformed < 2000


def test_a_text_that_is_no_utf8_is_still_a_text() -> None:
    (statement,) = batch_of(Frame(ord("Q"), b"select '\xff'\0")).statements
    assert statement.text == "select '\N{REPLACEMENT CHARACTER}'"
