"""MongoDB: real drivers, over real sockets, at exact virtual times."""

from __future__ import annotations

import asyncio
import datetime
import inspect
import json
import os
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import bson
import pymongo
import pytest
from bson import ObjectId
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient, MongoClient, WriteConcern
from pymongo.errors import (
    BulkWriteError,
    DuplicateKeyError,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from grader import Fault, Outage, Trace, get, mongo, play, scenario, times
from grader.judge.players import FilePlayer, Subject
from grader.judge.workers import Worker
from grader.model.scenarios import Mongo
from grader.model.trace import Span, SpanKind
from grader.services.base.errors import ServiceError
from grader.services.mongo import remote
from grader.services.mongo.databases import new_database
from grader.services.mongo.embedded import EmbeddedDatabase
from grader.services.mongo.quirks import as_of_stand_alone
from grader.services.mongo.remote import PREFIX
from grader.services.mongo.serving import serve
from grader.services.mongo.wire import Message, MessageParser

SOURCE = Path(__file__).read_text("utf-8").splitlines()
Work = Callable[[Any], Awaitable[Any]]
Factory = Callable[[str], FastAPI]

ADA, BOB = {"_id": 1, "name": "Ada", "age": 36}, {"_id": 2, "name": "Bob", "age": 20}
leaves_open = pytest.mark.filterwarnings(
    "ignore:Unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


def line(mark: str) -> int:
    """The number of the line of this file that ends with `# mark`."""
    (number,) = [n for n, text in enumerate(SOURCE, 1) if text.endswith(f"# {mark}")]
    return number


def using(work: Work, *, warm: int = 0, **options: Any) -> Factory:
    """A factory of an app with one client, whose endpoint does `work` with its database.

    Args:
        warm: connections that are opened before the app takes requests.
        options: of the client.
    """

    def factory(url: str) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with AsyncMongoClient(url, **options) as client:
                app.state.db = client.get_default_database()
                await asyncio.gather(*(client.admin.command("ping") for _ in range(warm)))
                yield

        app = FastAPI(lifespan=lifespan)

        @app.get("/")
        async def endpoint() -> Any:
            return await work(app.state.db)

        return app

    return factory


def answer(factory: Factory, url: Mongo) -> Any:
    """What the app answers a request with."""
    trace = play(factory, get("/"), url=url)
    assert trace.outcome.kind == "finished", trace.outcome
    assert trace.exchanges[0].status == 200, trace.exchanges[0].raised
    return trace.exchanges[0].json()


def spans(trace: Trace, kind: SpanKind) -> list[Span]:
    return [span for span in trace.spans if span.kind == kind]


def statements(trace: Trace) -> list[tuple[Any, ...]]:
    """What was asked, from when to when, and how it ended."""
    return [
        (span.arguments[0], span.start.seconds, span.end.seconds, span.how)
        for span in spans(trace, "statement")
    ]


async def outcome_of(call: Awaitable[Any]) -> tuple[str, float]:
    """`done` or the name of an error, and when it came."""
    try:
        await call
        result = "done"
    except Exception as error:
        result = type(error).__name__
    return result, time.monotonic()


async def find_one(db: Any) -> Any:
    return await db.users.find_one({"name": "Ada"})


async def insert(db: Any) -> Any:
    return await outcome_of(db.users.insert_one({"_id": 1}))


# Exact times


def elapsed_of_twenty(factory: Factory, url: Mongo) -> tuple[float, float]:
    """When an app was ready, and how long twenty requests at once then took."""
    trace = play(factory, times(20, get("/")), url=url, drain=0)
    assert {exchange.status for exchange in trace.exchanges} == {200}
    opened = trace.opened / 1_000_000
    return opened, max(exchange.elapsed or 0 for exchange in trace.exchanges)


def test_twenty_commands_on_a_pool_of_five_take_four_rounds() -> None:
    factory = using(find_one, warm=5, maxPoolSize=5)
    assert elapsed_of_twenty(factory, mongo(0.25)) == (0.25, 1.0)


def test_a_round_trip_adds_to_everything_that_the_driver_sends() -> None:
    """The monitor's hello, then the connections: two at a time, each with a hello; then ping."""
    factory = using(find_one, warm=5, maxPoolSize=5)
    assert elapsed_of_twenty(factory, mongo(0.25, 0.1)) == (0.1 + 3 * 0.1 + 0.35, 1.4)


def test_connections_are_opened_two_at_a_time() -> None:
    trace = play(using(find_one, warm=5, maxPoolSize=5), url=mongo(0.25, 0.1))
    opened = [span.start.seconds for span in spans(trace, "connection")]
    assert opened == [0.1, 0.1, 0.2, 0.2, 0.3]


def test_the_same_play_gives_the_same_trace_every_time() -> None:
    async def work(db: Any) -> Any:
        same = {"_id": await db.users.count_documents({})}
        return [await outcome_of(db.users.insert_one(same)), await db.users.distinct("_id")]

    def once() -> tuple[Any, ...]:
        url = mongo(0.1, 0.01, reads=["users"])
        trace = play(using(work, maxPoolSize=3), times(6, get("/")), url=url)
        return statements(trace), trace.readings, trace.ended, trace.order

    first = once()
    assert [how for *_, how in first[0]].count("failed") == 4, "three at a time insert the same key"
    assert all(once() == first for _ in range(4))


def test_an_idle_client_takes_no_time_and_keeps_no_play_going() -> None:
    """Its heartbeats are neither the learner's commands nor work that is left behind."""

    async def work(db: Any) -> None:
        await find_one(db)
        await asyncio.sleep(100)

    trace = play(using(work), get("/"), url=mongo(1))
    assert trace.ended == 101_000_000
    assert statements(trace) == [("find users", 0.0, 1.0, "done")]
    assert [span.end.seconds for span in spans(trace, "connection")] == [101.0]
    assert spans(trace, "task") == []


def test_what_the_driver_sends_of_its_own_accord_takes_a_round_trip() -> None:
    trace = play(using(find_one), get("/"), url=mongo(1, 0.1))
    assert trace.exchanges[0].elapsed == 0.1 + 0.1 + 1.1
    assert trace.ended == 1_400_000, "closing the client ends its session"


@leaves_open
def test_a_client_for_each_request_connects_for_each() -> None:
    def factory(url: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> Any:
            return await find_one(AsyncMongoClient(url).get_default_database())

        return app

    trace = play(factory, times(3, get("/")), url=mongo(1, 0.1))
    assert [exchange.elapsed for exchange in trace.exchanges] == [1.3] * 3
    found = [(span.exchange, span.how) for span in spans(trace, "connection")]
    assert found == [(0, "open"), (1, "open"), (2, "open")]
    assert trace.ended == 1_300_000, "what was left open has kept the play going"


# Timeouts, and who gives up


@pytest.mark.parametrize(
    ("options", "error", "at"),
    [
        ({"timeoutMS": 1000}, "NetworkTimeout", 1.0),
        ({"socketTimeoutMS": 1000}, "NetworkTimeout", 2.0),  # a read is tried again
        ({}, "done", 3.0),
    ],
)
def test_a_timeout_is_over_on_the_clock(options: Any, error: str, at: float) -> None:
    async def work(db: Any) -> Any:
        return await outcome_of(find_one(db))

    assert answer(using(work, **options), mongo(3)) == [error, at]


def test_waiting_for_a_connection_has_its_timeout() -> None:
    async def work(db: Any) -> Any:
        return await asyncio.gather(*(outcome_of(find_one(db)) for _ in range(3)))

    # A read would be tried again, and wait as long once more.
    factory = using(work, maxPoolSize=1, waitQueueTimeoutMS=3000, retryReads=False)
    expected = [["done", 2.0], ["done", 4.0], ["WaitQueueTimeoutError", 3.0]]
    assert answer(factory, mongo(2)) == expected


def test_a_seed_may_name_its_object_ids() -> None:
    async def work(db: Any) -> Any:
        found = await db.users.find().to_list()
        return [f"{type(user['_id']).__name__} {user['_id']}" for user in found]

    low, high = "6955b9000000000000000001", "6955b9000000000000000002"
    seed = {"users": [{"_id": {"$oid": high}}, {"_id": {"$oid": low}}, {"_id": "ada"}]}
    expected = [f"ObjectId {high}", f"ObjectId {low}", "str ada"]
    assert answer(using(work), mongo(seed=seed)) == expected


def test_a_command_that_is_given_up_is_not_carried_out() -> None:
    async def work(db: Any) -> Any:
        async def patiently() -> None:
            async with asyncio.timeout(1):
                await db.users.insert_one({"_id": "late"})

        return [await outcome_of(patiently()), await insert(db)]

    trace = play(using(work), get("/"), url=mongo(2, reads=["users"]))
    assert trace.exchanges[0].json() == [["TimeoutError", 1.0], ["done", 3.0]]
    assert [span.how for span in spans(trace, "statement")] == ["cancelled", "done"]
    closed = [(s.start.seconds, s.end.seconds) for s in spans(trace, "connection")]
    assert closed == [(0.0, 1.0), (1.0, 3.0)]
    assert trace.readings == {"users": [{"_id": 1}]}


def test_a_request_that_is_cancelled_ends_its_command() -> None:
    trace = play(using(insert), get("/", cancelled_at=0.5), url=mongo(1, reads=["users"]))
    assert statements(trace) == [("insert users", 0.0, 0.5, "cancelled")]
    assert trace.readings == {"users": []}


# What is written down


@pytest.mark.parametrize("options", [{}, {"timeoutMS": 9000}], ids=["no timeout", "a timeout"])
def test_a_command_is_a_span_with_the_learners_line(options: Any) -> None:
    """Also where the driver writes in a task of its own, to give up on it."""

    async def work(db: Any) -> None:
        await db.users.insert_many([{"_id": n} for n in range(3)])  # inserts
        await asyncio.sleep(1)
        async for _ in db.users.find({"_id": {"$gt": 0}, "name": None}):  # finds
            pass

    trace = play(using(work, **options), get("/"), url=mongo(0.5))
    written, read = spans(trace, "statement")
    assert (written.arguments, written.count) == (("insert users", 3), 3)
    assert (read.arguments, read.count) == (("find users", 2), 2)
    assert (written.line, read.line) == (line("inserts"), line("finds"))
    assert (read.start.seconds, read.end.seconds) == (1.5, 2.0)
    (connection,) = spans(trace, "connection")
    assert {written.resource, read.resource} == {connection.resource}
    for span in (written, read, connection):
        assert (span.name, span.exchange, span.how) == ("url", 0, "done")
    assert written.task == read.task == connection.task != ""


def test_commands_at_once_are_told_apart() -> None:
    async def work(db: Any) -> None:
        await asyncio.gather(
            db.users.count_documents({"age": 36}),
            db.users.update_many({}, {"$inc": {"age": 1}}),
        )

    trace = play(using(work), get("/"), url=mongo(1, seed={"users": [ADA, BOB]}))
    counted, updated = spans(trace, "statement")
    assert (counted.arguments, counted.count) == (("aggregate users", 2), 1)
    assert (updated.arguments, updated.count) == (("update users", 1), 2)
    assert counted.task != updated.task
    assert counted.resource != updated.resource


@pytest.mark.parametrize(
    ("work", "text", "size", "count"),
    [
        (lambda db: db.users.distinct("name", {"age": 20}), "distinct users", 1, 1),
        (lambda db: db.users.delete_many({}), "delete users", 1, 2),
        (lambda db: db.users.estimated_document_count(), "count users", 0, 2),
        (lambda db: db.users.find_one_and_delete({"_id": 1}), "findAndModify users", 1, 1),
        (lambda db: db.users.find_one_and_delete({"_id": 9}), "findAndModify users", 1, 0),
        (lambda db: db.command("ping"), "ping", 0, 0),
    ],
)
def test_a_span_says_how_much(work: Work, text: str, size: int, count: int) -> None:
    async def nothing(db: Any) -> None:
        await work(db)

    trace = play(using(nothing), get("/"), url=mongo(seed={"users": [ADA, BOB]}))
    (span,) = spans(trace, "statement")
    assert (span.arguments, span.count) == ((text, size), count)


def test_a_first_batch_is_101_documents_and_the_second_all_the_rest() -> None:
    async def work(db: Any) -> Any:
        return [
            len(await db.docs.find().to_list()),
            len(await db.docs.find(batch_size=200).to_list()),
        ]

    docs = [{"_id": n} for n in range(500)]
    trace = play(using(work), get("/"), url=mongo(1, seed={"docs": docs}, reads=["docs"]))
    assert trace.exchanges[0].json() == [500, 500]
    assert trace.readings == {"docs": docs}
    found = [(span.arguments[0], span.count) for span in spans(trace, "statement")]
    default, sized = found[:2], found[2:]
    assert default == [("find docs", 101), ("getMore docs", 399)]
    assert sized == [("find docs", 200), ("getMore docs", 200), ("getMore docs", 100)]


def test_many_documents_in_one_command_are_counted() -> None:
    async def work(db: Any) -> None:
        await db.docs.insert_many([{"text": "x" * 1000} for _ in range(300)])

    (span,) = spans(play(using(work), get("/"), url=mongo(1)), "statement")
    assert (span.arguments, span.count) == (("insert docs", 300), 300)


# Faults


def fault(does: Any, **options: Any) -> Mongo:
    return mongo(1, seed={"users": [ADA]}, reads=["users"], faults=[Fault(does=does, **options)])


async def find_outcome(db: Any) -> Any:
    return await outcome_of(find_one(db))


def test_a_server_that_refuses_is_looked_for_until_the_timeout() -> None:
    async def work(db: Any) -> Any:
        with pytest.raises(ServerSelectionTimeoutError, match="Connect call failed"):
            await find_one(db)
        return time.monotonic()

    factory = using(work, serverSelectionTimeoutMS=2200)
    assert answer(factory, fault("refuse", times=None)) == 2.5


def test_the_embedded_server_logs_nothing_in_one_play_after_another() -> None:
    for _ in range(2):
        trace = play(using(insert), get("/"), url=mongo(seed={"users": [ADA]}))
        assert [record for record in trace.logs if record.logger.startswith(("neo", "nx"))] == []


@pytest.mark.parametrize(
    ("patience", "outcomes"),
    [
        (30_000, [["done", 1.0], ["done", 8.0], ["done", 10.5]]),
        (1000, [["done", 1.0], ["AutoReconnect", 6.5], ["done", 10.5]]),
    ],
)
def test_in_an_outage_a_read_waits_for_the_server_as_long_as_the_driver_looks_for_it(
    patience: int, outcomes: list[Any]
) -> None:
    """The second read is cut off at 5 s, and the driver looks for the server twice a second."""
    factory = using(find_outcome, serverSelectionTimeoutMS=patience)
    what = mongo(1, seed={"users": [ADA]}, outages=[Outage(at=5, seconds=1.8)])
    trace = play(factory, *(get("/", at=at) for at in (0, 4.5, 9.5)), url=what)
    assert [exchange.json() for exchange in trace.exchanges] == outcomes
    assert ("failed", 5.0) in [(span.how, span.end.seconds) for span in spans(trace, "connection")]


@pytest.mark.parametrize("does", ["refuse", "too-many"])
def test_a_connection_that_is_refused_is_tried_again(does: str) -> None:
    """The first is the one that watches the server: it tries again after half a second."""
    assert answer(using(find_outcome), fault(does)) == ["done", 1.5]


def test_a_read_that_breaks_off_is_tried_again_once() -> None:
    trace = play(using(find_outcome), get("/"), url=fault("drop"))
    assert trace.exchanges[0].json() == ["done", 1.5]
    ends = [(span.how, span.end.seconds) for span in spans(trace, "connection")]
    assert ends == [("failed", 0.5), ("done", 1.5)]
    assert answer(using(find_outcome), fault("drop", times=None)) == ["AutoReconnect", 1.0]


def test_a_write_that_breaks_off_is_not_tried_again() -> None:
    trace = play(
        using(insert), get("/"), url=mongo(1, reads=["users"], faults=[Fault(does="drop")])
    )
    assert trace.exchanges[0].json() == ["AutoReconnect", 0.5]
    assert trace.readings == {"users": []}


def test_a_command_that_stalls_is_never_answered() -> None:
    async def work(db: Any) -> Any:
        return [await outcome_of(asyncio.wait_for(find_one(db), 7)), await find_outcome(db)]

    assert answer(using(work), fault("stall")) == [["TimeoutError", 7.0], ["done", 8.0]]


@pytest.mark.parametrize(
    ("code", "error"),
    [(8, "OperationFailure"), (50, "ExecutionTimeout"), (11000, "DuplicateKeyError")],
)
def test_a_command_can_fail_with_a_code(code: int, error: str) -> None:
    trace = play(using(find_outcome), get("/"), url=fault("fail", code=code))
    assert trace.exchanges[0].json() == [error, 1.0]
    assert statements(trace) == [("find users", 0.0, 1.0, "failed")]


def test_a_fault_is_for_the_command_that_it_names() -> None:
    async def work(db: Any) -> Any:
        return [await find_outcome(db), await find_outcome(db), (await insert(db))[0]]

    said = answer(using(work), fault("fail", at=2, matching="FIND users"))
    assert said == [["done", 1.0], ["OperationFailure", 2.0], "DuplicateKeyError"]


# The same MongoDB everywhere


def test_a_duplicate_key_is_told_as_mongodb_does() -> None:
    async def work(db: Any) -> Any:
        await db.users.create_index("email", unique=True)
        await db.users.insert_one({"_id": 1, "email": "ada"})
        said = []
        for call in (
            db.users.insert_one({"_id": 1}),
            db.users.insert_one({"_id": 2, "email": "ada"}),
            db.users.insert_one({"_id": 3, "email": "bob"}),
            db.users.update_one({"_id": 3}, {"$set": {"email": "ada"}}),
            db.people.insert_many([{"name": "Eve"}, {"name": "Eve"}]),
            db.people.create_index("name", unique=True),
        ):
            said.append((await outcome_of(call))[0])
        try:
            await db.users.insert_many([{"_id": n} for n in (4, 1, 5)], ordered=False)
        except BulkWriteError as error:
            (wrong,) = error.details["writeErrors"]
            said += [wrong["index"], wrong["code"], wrong["errmsg"][:37]]
        return [*said, await db.users.distinct("_id", {"_id": {"$gt": 3}})]

    duplicate, message = "DuplicateKeyError", "E11000 duplicate key error collection"
    expected = [duplicate, duplicate, "done", duplicate, "done", duplicate]
    assert answer(using(work), mongo()) == [*expected, 1, 11000, message, [4, 5]]


def test_transactions_and_change_streams_are_refused_as_by_a_stand_alone_server() -> None:
    async def work(db: Any) -> Any:
        async def transaction() -> None:
            session = db.client.start_session()
            async with session, await session.start_transaction():
                await db.users.insert_one({"_id": 1}, session=session)

        codes = []
        for call in (transaction(), db.users.watch()):
            try:
                await call
            except pymongo.errors.OperationFailure as error:
                codes.append(error.code)
        return codes

    trace = play(using(work), get("/"), url=mongo(reads=["users"]))
    assert trace.exchanges[0].json() == [20, 40573]
    assert trace.readings == {"users": []}


def test_a_write_without_acknowledgement_takes_its_time_at_the_server() -> None:
    async def work(db: Any) -> Any:
        unheard = db.get_collection("users", write_concern=WriteConcern(0))
        return [await outcome_of(unheard.insert_one({"_id": 1})), await db.users.find_one()]

    assert answer(using(work), mongo(1)) == [["done", 0.0], {"_id": 1}]


def test_an_exhaust_cursor_gets_its_batches_one_by_one() -> None:
    async def work(db: Any) -> Any:
        found = db.docs.find(batch_size=2, cursor_type=pymongo.CursorType.EXHAUST)
        return [document["_id"] async for document in found]

    assert answer(using(work), mongo(seed={"docs": [{"_id": n} for n in range(5)]})) == [*range(5)]


IDS = [ObjectId(f"{n:024x}") for n in range(4)]
NOON = datetime.datetime(2026, 1, 1, 12)
PEOPLE: list[dict[str, Any]] = [
    {"_id": IDS[0], "name": "Ada", "age": 36, "friend": IDS[1], "tags": ["x", "y"], "at": NOON},
    {"_id": IDS[1], "name": "Bob", "age": 20, "friend": IDS[0], "home": {"city": "Oslo", "no": 1}},
    {"_id": IDS[2], "name": "Cyd", "age": 50.5, "friend": None, "tags": ["y"]},
]


def asked(*work: Work) -> list[Any]:
    """What each piece of work returns, done one after the other with the collection `people`."""
    found: list[Any] = []

    async def endpoint(db: Any) -> None:
        await db.people.insert_many([dict(person) for person in PEOPLE])
        found.extend([await one(db.people) for one in work])

    answer(using(endpoint), mongo())
    return found


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({}, ["Ada", "Bob", "Cyd"]),
        ({"_id": IDS[0]}, ["Ada"]),
        ({"_id": {"$in": [IDS[0], IDS[2]]}}, ["Ada", "Cyd"]),
        ({"_id": {"$ne": IDS[0]}}, ["Bob", "Cyd"]),
        ({"friend": IDS[1]}, ["Ada"]),
        ({"friend": None}, ["Cyd"]),
        ({"home": None}, ["Ada", "Cyd"]),
        ({"home": {"city": "Oslo", "no": 1}}, ["Bob"]),
        ({"home.city": "Oslo"}, ["Bob"]),
        ({"tags": "x"}, ["Ada"]),
        ({"tags": {"$in": ["y"]}}, ["Ada", "Cyd"]),
        ({"tags": {"$exists": False}}, ["Bob"]),
        ({"at": {"$gte": NOON}}, ["Ada"]),
        ({"age": {"$gt": 20, "$lt": 50.5}}, ["Ada"]),
        ({"$or": [{"age": 20}, {"friend": None}]}, ["Bob", "Cyd"]),
        ({"name": {"$regex": "^a", "$options": "i"}}, ["Ada"]),
        ({"name": bson.Regex("^b", "i")}, ["Bob"]),
    ],
)
def test_a_filter_finds_what_mongodb_would(filter: Any, expected: list[str]) -> None:
    async def found(people: Any) -> Any:
        return [person["name"] async for person in people.find(filter)]

    async def aggregated(people: Any) -> Any:
        return [person["name"] async for person in await people.aggregate([{"$match": filter}])]

    count = lambda people: people.count_documents(filter)  # noqa: E731
    assert asked(found, aggregated, count) == [expected, expected, len(expected)]


def lists(people: Any, *args: Any, **options: Any) -> Any:
    return people.find(*args, **options).to_list()


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (lambda p: p.find_one({"name": "Ada"}), PEOPLE[0]),
        (lambda p: p.find_one({"name": "Eve"}), None),
        (lambda p: lists(p, {}, {"name": 1}, limit=1), [{"_id": IDS[0], "name": "Ada"}]),
        (lambda p: lists(p, {}, {"_id": 0, "age": 1}, sort=[("age", 1)], limit=1), [{"age": 20}]),
        (lambda p: lists(p, {}, {"_id": 1}, sort=[("name", -1)], skip=2), [{"_id": IDS[0]}]),
        (lambda p: p.distinct("name", {"age": {"$gt": 30}}), ["Ada", "Cyd"]),
        (lambda p: p.distinct("tags"), ["x", "y"]),
        (lambda p: p.distinct("_id", {"friend": IDS[1]}), [IDS[0]]),
        (lambda p: p.distinct("home.city"), ["Oslo"]),
    ],
)
def test_a_find_shows_what_mongodb_would(work: Work, expected: Any) -> None:
    (found,) = asked(work)
    assert found == expected
    if isinstance(found, list) and isinstance(found[0], dict) and "_id" in found[0]:
        assert next(iter(found[0])) == "_id"


def test_documents_keep_the_types_of_their_values() -> None:
    whole = {"_id": IDS[3], "at": NOON, "n": None, "f": 1.5, "big": 2**40, "b": b"x", "yes": True}

    async def work(people: Any) -> Any:
        await people.insert_one(dict(whole))
        return await people.find_one({"_id": IDS[3]})

    (found,) = asked(work)
    assert [*found.items()] == [*whole.items()]


def aggregates(*stages: Any) -> Work:
    async def work(people: Any) -> Any:
        return await (await people.aggregate([*stages])).to_list()

    return work


TAGS = [{"$unwind": "$tags"}, {"$group": {"_id": "$tags", "n": {"$sum": 1}}}, {"$sort": {"n": 1}}]
ALL = {"$group": {"_id": None, "n": {"$sum": 1}, "of": {"$sum": "$age"}}}
LAST = {"$group": {"_id": "$friend", "last": {"$max": "$at"}}}


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ([ALL], [{"_id": None, "n": 3, "of": 106.5}]),
        (TAGS, [{"_id": "x", "n": 1}, {"_id": "y", "n": 2}]),
        ([{"$match": {"age": {"$gt": 30}}}, {"$count": "n"}], [{"n": 2}]),
        (
            [{"$match": {"age": 36}}, {"$project": {"friend": 1}}],
            [{"_id": IDS[0], "friend": IDS[1]}],
        ),
        ([{"$match": {"friend": IDS[1]}}, LAST], [{"_id": IDS[1], "last": NOON}]),
    ],
)
def test_an_aggregation_gives_what_mongodb_would(stages: Any, expected: Any) -> None:
    assert asked(aggregates(*stages)) == [expected]


def test_an_update_changes_what_mongodb_would() -> None:
    async def work(people: Any) -> Any:
        counts = []
        for call in (
            people.update_one({"_id": IDS[0]}, {"$inc": {"age": 1}, "$push": {"tags": "z"}}),
            people.update_one({"friend": IDS[0]}, {"$inc": {"home.no": 4}, "$unset": {"age": ""}}),
            people.update_one({"age": {"$gte": 100}}, {"$inc": {"age": -1}}),
            people.update_many(
                {"tags": "y"}, {"$addToSet": {"tags": "y"}, "$set": {"friend": IDS[2]}}
            ),
            people.replace_one({"friend": IDS[2], "name": "Cyd"}, {"name": "Cy"}),
            people.update_one({"home.no": 5}, {"$set": {"cats": [{"name": "Mo"}, {"name": "Su"}]}}),
            people.update_one({"cats.name": "Su"}, {"$set": {"cats.$.age": 2}}),
        ):
            result = await call
            counts.append((result.matched_count, result.modified_count))
        return [counts, await lists(people)]

    ((counts, left),) = asked(work)
    assert counts == [(1, 1), (1, 1), (0, 0), (2, 2), (1, 1), (1, 1), (1, 1)]
    ada = PEOPLE[0] | {"age": 37, "tags": ["x", "y", "z"], "friend": IDS[2]}
    bob = {"_id": IDS[1], "name": "Bob", "friend": IDS[0], "home": {"city": "Oslo", "no": 5}}
    bob["cats"] = [{"name": "Mo"}, {"name": "Su", "age": 2}]
    assert left == [ada, bob, {"_id": IDS[2], "name": "Cy"}]


def test_an_upsert_inserts_what_mongodb_would() -> None:
    async def work(people: Any) -> Any:
        await people.update_one(
            {"_id": "n"}, {"$inc": {"n": 1}, "$setOnInsert": {"a": 0}}, upsert=True
        )
        await people.update_one(
            {"_id": "n"}, {"$inc": {"n": 1}, "$setOnInsert": {"a": 1}}, upsert=True
        )
        result = await people.replace_one({"_id": "k"}, {"v": 1}, upsert=True)
        return [result.upserted_id, await lists(people, {"_id": {"$in": ["n", "k"]}})]

    assert asked(work) == [["k", [{"_id": "n", "n": 2, "a": 0}, {"_id": "k", "v": 1}]]]


def test_find_and_modify_gives_what_mongodb_would() -> None:
    async def work(people: Any) -> Any:
        after = {"return_document": pymongo.ReturnDocument.AFTER, "projection": {"age": 1}}
        return [
            await people.find_one_and_update({"friend": IDS[1]}, {"$inc": {"age": 1}}, **after),
            await people.find_one_and_update({"_id": IDS[1]}, {"$inc": {"age": 1}}, {"age": 1}),
            await people.find_one_and_replace({"_id": IDS[2]}, {"age": 1}, **after),
            (await people.find_one_and_delete({"_id": IDS[2]}))["_id"],
            await people.find_one_and_update({"_id": IDS[2]}, {"$inc": {"age": 1}}, **after),
        ]

    (found,) = asked(work)
    ada, bob = {"_id": IDS[0], "age": 37}, {"_id": IDS[1], "age": 20}
    assert found == [ada, bob, {"_id": IDS[2], "age": 1}, IDS[2], None]


def test_a_find_and_modify_that_fails_raises_and_changes_nothing() -> None:
    async def work(people: Any) -> Any:
        await people.create_index("name", unique=True)
        before = await lists(people)
        said = []
        for call in (
            people.find_one_and_update({"_id": IDS[1]}, {"$set": {"name": "Ada"}}),
            people.find_one_and_replace({"_id": IDS[1]}, {"name": "Ada"}),
            people.find_one_and_update({"name": "Eve"}, {"$set": {"name": "Ada"}}, upsert=True),
            people.find_one_and_update({"_id": IDS[1]}, {"$inc": {"name": 1}}),
        ):
            said.append((await outcome_of(call))[0])
        return [said, await lists(people) == before]

    duplicate = "DuplicateKeyError"
    expected = [duplicate, duplicate, duplicate, "OperationFailure"]
    assert asked(work) == [[expected, True]]


def test_find_and_modify_takes_the_first_and_inserts_what_is_missing() -> None:
    async def work(people: Any) -> Any:
        after = {"return_document": pymongo.ReturnDocument.AFTER}
        new = await people.find_one_and_update({"_id": 9}, {"$set": {"n": 1}}, upsert=True, **after)
        none = await people.find_one_and_update({"_id": 8}, {"$set": {"n": 1}}, upsert=True)
        last = await people.find_one_and_delete({"n": 1}, sort=[("_id", -1)])
        cats = await people.find_one_and_update(
            {"_id": 8}, {"$set": {"cats": [{"name": "Mo"}, {"name": "Su"}]}}, **after
        )
        second = await people.find_one_and_update(
            {"_id": 8, "cats.name": "Su"}, {"$set": {"cats.$.age": 2}}, {"cats": 1}, **after
        )
        return [new, none, last, len(cats["cats"]), second["cats"][1]]

    new = {"_id": 9, "n": 1}
    assert asked(work) == [[new, None, new, 2, {"name": "Su", "age": 2}]]


def test_a_text_is_no_object_id() -> None:
    async def work(people: Any) -> Any:
        text = str(IDS[0])
        found = [
            await people.find_one({"_id": text}),
            await people.find_one({"$or": [{"_id": text}]}),
            await people.find_one_and_update({"_id": text}, {"$set": {"age": 1}}),
            await people.count_documents({"_id": text}),
            (await people.delete_one({"_id": text})).deleted_count,
        ]
        await people.update_one({"_id": "f" * 24}, {"$set": {"age": 1}}, upsert=True)
        return [*found, await people.find_one({"_id": "f" * 24}), await lists(people, {"age": 1})]

    upserted = {"_id": "f" * 24, "age": 1}
    assert asked(work) == [[None, None, None, 0, 0, upserted, [upserted]]]


def test_a_delete_removes_what_mongodb_would() -> None:
    async def work(people: Any) -> Any:
        calls = (
            people.delete_one({}),
            people.delete_many({"friend": IDS[0]}),
            people.delete_many({}),
        )
        return [(await call).deleted_count for call in calls]

    assert asked(work) == [[1, 1, 1]]


def test_other_things_of_a_collection_are_there() -> None:
    async def work(people: Any) -> Any:
        bulk = await people.bulk_write(
            [
                pymongo.InsertOne({"_id": 7}),
                pymongo.UpdateMany({}, {"$set": {"seen": True}}),
                pymongo.DeleteOne({"_id": 7}),
            ]
        )
        index = await people.create_index([("name", 1), ("age", -1)])
        collections = await people.database.list_collection_names()
        await people.drop()
        counts = bulk.inserted_count, bulk.modified_count, bulk.deleted_count
        return [counts, index, collections, await people.count_documents({})]

    assert asked(work) == [[(1, 4, 1), "name_1_age_-1", ["people"], 0]]


# Databases


def test_a_play_begins_with_its_seed_and_is_read_when_the_app_is_down() -> None:
    def factory(url: str) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with AsyncMongoClient(url) as client:
                db = client.get_default_database()
                yield
                await db.users.insert_one({"_id": IDS[0], "at": NOON, "in": [{"of": b"x"}]})

        return FastAPI(lifespan=lifespan)

    seed = {"users": [ADA], "empty": []}
    trace = play(factory, url=mongo(seed=seed, reads=["users", "empty", "missing"]))
    late = {"_id": str(IDS[0]), "at": NOON.isoformat(), "in": [{"of": "b'x'"}]}
    assert trace.readings == {"users": [ADA, late], "empty": [], "missing": []}
    assert seed == {"users": [ADA], "empty": []}
    assert "_id" not in play(factory, url=mongo(seed={"users": [{"name": "Eve"}]})).readings


def test_each_play_has_a_database_of_its_own() -> None:
    async def work(db: Any) -> Any:
        await db.users.insert_one({"name": "Ada"})
        await db.client.other.users.insert_one({"name": "Ada"})
        return [
            await db.users.count_documents({}),
            await db.client.other.users.count_documents({}),
        ]

    assert [answer(using(work), mongo()) for _ in range(2)] == [[1, 1]] * 2


def test_two_databases_in_one_play_are_two() -> None:
    def factory(ours: str, theirs: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> Any:
            async with AsyncMongoClient(ours) as a, AsyncMongoClient(theirs) as b:
                await a.get_default_database().users.insert_one({})
                return await b.get_default_database().users.count_documents({})

        return app

    trace = play(factory, get("/"), ours=mongo(1), theirs=mongo(2))
    assert (trace.exchanges[0].json(), trace.ended) == (0, 3_000_000)
    assert [span.name for span in spans(trace, "statement")] == ["ours", "theirs"]


def test_a_seed_that_the_server_refuses_is_the_graders_fault() -> None:
    with pytest.raises(ServiceError, match=r"MongoDB refuses what a play needs: .*E11000"):
        play(using(find_one), url=mongo(seed={"users": [ADA, ADA]}))


def test_a_missing_package_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "grader.services.mongo.nx", None)
    with pytest.raises(ServiceError, match="There is no embedded MongoDB") as caught:
        play(using(find_one), url=mongo())
    assert "pip install nx-27017" in caught.value.remedy
    assert "MONGODB_URL" in caught.value.remedy


def test_a_server_that_fails_is_the_graders_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(database: EmbeddedDatabase, message: Message) -> Message:
        if "find" in message.document:
            raise RuntimeError("no memory left")
        return real(database, message)

    real = EmbeddedDatabase.ask
    monkeypatch.setattr(EmbeddedDatabase, "ask", ask)
    trace = play(using(find_outcome), get("/"), url=mongo())
    assert trace.outcome.kind == "grader-broke"
    assert trace.outcome.problem == "The embedded MongoDB has failed: no memory left."


# A server of the user's own


SERVER = """
import asyncio, socket, sys, threading, os
from nx_27017.handler import NeoSQLiteHandler
from nx_27017.server import handle_client

def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)

async def serve():
    threading.Thread(target=end_with_parent, daemon=True).start()
    handler, listening = NeoSQLiteHandler(data_dir="memory"), socket.socket(fileno=int(sys.argv[1]))
    server = await asyncio.start_server(lambda r, w: handle_client(r, w, handler), sock=listening)
    await server.serve_forever()

asyncio.run(serve())
"""


class OfTheUser:
    """A server that MONGODB_URL names, with a database of the user's in it."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.url = "mongodb://{}:{}".format(*listening.getsockname())
            self._process = subprocess.Popen(
                [sys.executable, "-c", SERVER, str(listening.fileno())],
                pass_fds=[listening.fileno()],
                stdin=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        with MongoClient[Any](self.url) as client:
            client.mine.things.insert_one({"_id": 1})

    def databases(self) -> list[str]:
        with MongoClient[Any](self.url) as client:
            return sorted(client.list_database_names())

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> Iterator[OfTheUser]:
    server = OfTheUser()
    monkeypatch.setenv("MONGODB_URL", server.url)
    yield server
    if server.url in remote._servers:
        remote._servers.pop(server.url).close()
    server.kill()


def test_a_server_of_the_users_is_played_on_and_left_as_it_was(users: OfTheUser) -> None:
    there: list[str] = []

    async def work(db: Any) -> Any:
        await db.users.insert_one(dict(BOB))
        there.extend(await db.client.list_database_names())
        return db.name

    seed = {"users": [ADA], "things": [{"name": "Mo"}], "empty": []}
    url = mongo(1, seed=seed, reads=["users"])
    traces = [play(using(work), get("/"), url=url) for _ in range(2)]
    first, second = (trace.exchanges[0].json() for trace in traces)
    assert sorted(there) == sorted(["admin", "mine", first, "admin", "mine", second])
    assert first != second
    assert seed["things"] == [{"name": "Mo"}]
    for trace in traces:
        assert (trace.exchanges[0].elapsed, trace.readings) == (2.0, {"users": [ADA, BOB]})
    assert users.databases() == ["admin", "mine"]


def test_what_killed_plays_left_there_is_dropped(users: OfTheUser) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    ours = f"{PREFIX}{remote._HOST}"
    left, going = f"{ours}_{gone.pid}_x", f"{ours}_{os.getppid()}_x"
    elsewhere, users_own = f"{PREFIX}{'0' * 8}_{gone.pid}_x", "course_plays"
    with MongoClient[Any](users.url) as client:
        for name in (left, going, elsewhere, users_own):
            client[name].things.insert_one({})
    play(using(find_one), url=mongo())
    assert users.databases() == sorted(["admin", "mine", going, elsewhere, users_own])


def test_a_seed_that_the_users_server_refuses_leaves_nothing_there(users: OfTheUser) -> None:
    with pytest.raises(ServiceError, match="MongoDB refuses what a play needs"):
        play(using(find_one), url=mongo(seed={"users": [ADA, ADA]}))
    assert users.databases() == ["admin", "mine"]


def test_a_server_that_is_killed_in_a_play_is_the_graders_fault(users: OfTheUser) -> None:
    async def work(db: Any) -> Any:
        await db.users.insert_one({})
        users.kill()
        return await find_outcome(db)

    trace = play(using(work), get("/"), url=mongo(reads=["users"]))
    assert trace.outcome.kind == "grader-broke"
    assert "The server of MONGODB_URL went away in the middle of a play" in trace.outcome.problem
    assert "Run it again when the server is there." in trace.outcome.problem
    assert trace.readings == {}
    assert not remote._servers[users.url].is_up, "nobody waits for it once more"


def test_a_server_that_is_gone_before_it_is_read_is_the_graders_fault(
    users: OfTheUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def factory(url: str) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            yield
            users.kill()

        return FastAPI(lifespan=lifespan)

    monkeypatch.setattr(remote, "PATIENCE", 0.5)
    trace = play(factory, url=mongo(reads=["users"]))
    assert (trace.outcome.kind, trace.readings) == ("grader-broke", {})
    assert "MongoDB refuses what a play needs" in trace.outcome.problem


def test_a_server_that_was_away_is_found_again(users: OfTheUser) -> None:
    play(using(find_one), url=mongo())
    old = remote.server(users.url)
    old.is_up = False
    assert answer(using(find_outcome), mongo()) == ["done", 0.0]
    assert remote.server(users.url) is not old


PLAYED = """
import os
from fastapi import FastAPI
from pymongo import MongoClient

def exercise_1(url):
    app = FastAPI()

    @app.get("/")
    def root():
        with MongoClient(url) as client:
            users = client.get_default_database().users
            users.insert_one({"_id": 2, "name": "Bob"})
            print(users.database.name, [user["name"] for user in users.find()])
        print("MONGODB_URL" in os.environ)

    return app
"""


def test_player_plays_on_the_users_server_without_knowing_where_it_is(users: OfTheUser) -> None:
    described = mongo(seed={"users": [ADA]}, reads=["users"])
    with closing(Worker()) as worker:
        performer = FilePlayer(worker, PLAYED, "/nowhere/exercise.py")
        with closing(performer):
            trace = Subject(performer, "exercise_1").play(scenario(get("/"), url=described))
            assert users.databases() == ["admin", "mine"]
    assert PREFIX in trace.output
    assert trace.output.endswith("['Ada', 'Bob']\nFalse\n")
    assert [one["name"] for one in trace.readings["users"]] == ["Ada", "Bob"]


def test_collection_that_is_too_large_is_not_read(
    users: OfTheUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "MOST_READ", 10)
    trace = play(using(find_one), get("/"), url=mongo(seed={"users": [ADA]}, reads=["users"]))
    assert "A collection has more than" in trace.outcome.problem


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mongodb://127.0.0.1:1", "The server of MONGODB_URL cannot be used: 127.0.0.1:1: "),
        ("mongodb+srv://example.org", "MONGODB_URL does not begin with mongodb://"),
        ("localhost", "MONGODB_URL does not begin with mongodb://"),
        ("mongodb://a:p%40ss@h:port", "MONGODB_URL is malformed"),
        ("mongodb://h/?tls=true", "MONGODB_URL asks for TLS"),
    ],
)
def test_a_url_that_cannot_be_used_is_told_of(
    url: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONGODB_URL", url)
    monkeypatch.setattr(remote, "PATIENCE", 0.05)
    with pytest.raises(ServiceError) as caught:
        new_database({})
    assert caught.value.problem.startswith(problem)
    assert "unset it to use the embedded MongoDB" in caught.value.remedy
    assert "p%40ss" not in str(caught.value)


def test_a_login_is_the_learners_too() -> None:
    """It is the server that asks for it, through the relay."""
    login = remote._login
    assert login("mongodb://ada:p%40ss@host/?authSource=x") == ("ada:p%40ss@", {"authSource": "x"})
    assert login("mongodb://ada:secret@host/app") == ("ada:secret@", {"authSource": "app"})
    assert login("mongodb://host:27017") == ("", {})


# In a worker


def test_a_worker_plays_again_and_again_in_one_process() -> None:
    source = """
        import os
        from contextlib import asynccontextmanager
        from fastapi import FastAPI
        from pymongo import AsyncMongoClient

        def exercise_1(url):
            @asynccontextmanager
            async def lifespan(app):
                async with AsyncMongoClient(url) as client:
                    app.state.users = client.get_default_database().users
                    yield

            app = FastAPI(lifespan=lifespan)

            @app.get("/")
            async def root():
                return (await app.state.users.insert_one({"_id": 1})).inserted_id

            print(os.getpid())
            return app
    """
    worker = Worker()
    performer = FilePlayer(worker, textwrap.dedent(source), "/nowhere/exercise.py")
    player = Subject(performer, "exercise_1")
    try:
        what = scenario(get("/"), url=mongo(0.5, reads=["users"]))
        first, second = player.play(what), player.play(what)
    finally:
        performer.close()
        worker.close()
    assert first.outcome.kind == "finished", first.outcome
    assert (first.exchanges[0].elapsed, first.readings) == (0.5, {"users": [{"_id": 1}]})
    assert second == first, "in the same process, for it prints its number"


# Clients that block


def motor(work: Work, warm: int = 0, **options: Any) -> Factory:
    def factory(url: str) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            client = AsyncIOMotorClient(url, **options)
            app.state.db = client.get_default_database()
            await asyncio.gather(*(client.admin.command("ping") for _ in range(warm)))
            yield
            client.close()

        app = FastAPI(lifespan=lifespan)

        @app.get("/")
        async def endpoint() -> Any:
            return await work(app.state.db)

        return app

    return factory


@pytest.mark.parametrize("round_trip", [0.0, 0.1])
def test_motor_takes_the_same_time_as_pymongo(round_trip: float) -> None:
    """Though it runs PyMongo in threads. And again: its threads are not those of another play."""
    url = mongo(0.25, round_trip)
    expected = elapsed_of_twenty(using(find_one, warm=5, maxPoolSize=5), url)
    for _ in range(2):
        assert elapsed_of_twenty(motor(find_one, warm=5, maxPoolSize=5), url) == expected


def test_motor_reads_and_writes() -> None:
    async def work(db: Any) -> Any:
        await db.users.insert_many([dict(ADA), dict(BOB)])
        same = await outcome_of(db.users.insert_one({"_id": 1}))
        return [same, [user["name"] async for user in db.users.find().sort("_id", -1)]]

    trace = play(motor(work), get("/"), url=mongo(1), drain=0)
    assert trace.exchanges[0].json() == [["DuplicateKeyError", 2.0], ["Bob", "Ada"]]
    assert [text for text, *_ in statements(trace)] == ["insert users"] * 2 + ["find users"]
    assert {span.exchange for span in spans(trace, "statement")} == {0}


def blocking(url: str) -> FastAPI:
    app, users = FastAPI(), MongoClient[Any](url).get_default_database().users

    @app.get("/async")
    async def coroutine() -> Any:
        return users.count_documents({})  # blocks the loop

    @app.get("/def")
    def function() -> Any:
        return users.count_documents({})

    return app


@leaves_open
def test_a_blocking_client_blocks_the_loop() -> None:
    trace = play(blocking, times(3, get("/async")), url=mongo(1), drain=0)
    assert [exchange.elapsed for exchange in trace.exchanges] == [1.0, 2.0, 3.0]
    assert {incident.kind for incident in trace.incidents} == {"loop-blocked"}
    assert {incident.line for incident in trace.incidents} == {line("blocks the loop")}


@leaves_open
def test_a_blocking_client_in_a_thread_blocks_nobody() -> None:
    trace = play(blocking, times(3, get("/def")), url=mongo(1), drain=0)
    assert [exchange.elapsed for exchange in trace.exchanges] == [1.0] * 3
    assert trace.incidents == ()


def test_the_servers_work_is_no_blocking_call_of_the_learners() -> None:
    """A loop that sleeps lets the time come at which a command is carried out."""

    async def work(db: Any) -> Any:
        asked = asyncio.ensure_future(find_one(db))
        await asyncio.sleep(0.5)
        time.sleep(2)
        await asked
        return time.monotonic()

    trace = play(using(work), get("/"), url=mongo(1))
    assert trace.exchanges[0].json() == 2.5
    assert statements(trace) == [("find users", 0.0, 1.0, "done")]
    assert [incident.detail for incident in trace.incidents] == ["time.sleep"]


# The wire


def test_a_member_of_a_replica_set_is_made_to_look_alone() -> None:
    """Else the driver would go to the others past the relay, or leave a request at the server."""
    alone = {"isWritablePrimary": True, "maxWireVersion": 25, "ok": 1}
    more = {"setName": "rs", "hosts": ["db:1"], "me": "db:1", "topologyVersion": {}, "msg": "x"}
    said = Message(1, 2, bytes(5) + bson.encode(more | alone))
    assert dict(as_of_stand_alone({"hello": 1}, said).document) == alone
    assert as_of_stand_alone({"find": "users"}, said) is said


def test_a_stream_is_cut_into_messages_wherever_it_is_broken() -> None:
    messages = [Message(n, n - 1, bytes(5) + bson.encode({"n": n})) for n in (1, 2, 3)]
    stream = b"".join(message.packed for message in messages)
    for size in (1, 7, 16, 30, len(stream)):
        parser = MessageParser()
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert [found for piece in pieces for found in parser.feed(piece)] == messages


def test_motor_still_keeps_its_threads_where_they_are_renewed() -> None:
    """If this fails, `grader/services/mongo/private.py` has to learn the new name."""
    from motor.frameworks import asyncio as motor_on_asyncio

    from grader.services.mongo.private import renew_threads_of_motor

    before = motor_on_asyncio._EXECUTOR
    try:
        renew_threads_of_motor()
        assert motor_on_asyncio._EXECUTOR is not before
        assert "_EXECUTOR" in inspect.getsource(motor_on_asyncio.run_on_executor)
    finally:
        motor_on_asyncio._EXECUTOR = before


# Outside of a play


def test_a_database_is_served_in_real_time_until_the_block_ends() -> None:
    seed = {"products": [{"sku": "a1", "price": 12.5}]}
    with serve(json.dumps(seed)) as url, MongoClient(url) as one, MongoClient(url) as other:
        products = one.get_default_database()["products"]
        products.create_index("sku", unique=True)
        with pytest.raises(DuplicateKeyError):
            other.get_default_database()["products"].insert_one({"sku": "a1"})
        assert products.find_one({}, {"_id": 0}) == seed["products"][0]
    with MongoClient(url, serverSelectionTimeoutMS=1) as late, pytest.raises(PyMongoError):
        late.admin.command("ping")
