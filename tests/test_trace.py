"""The trace: what its parts say of themselves, JSON and back, and that it repeats."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse

from grader import Trace, connects, fails, get, in_turn, play, post, rows, scenario, takes, times
from grader.judge.budget import limited
from grader.judge.owners import with_owners
from grader.model.trace import Chunk, Exchange, Incident, Moment, Outcome, Span, encode, json_in


def at(seconds: float, order: int = 0) -> Moment:
    return Moment(round(seconds * 1_000_000), order)


def exchange(**facts: Any) -> Exchange:
    return Exchange(number=0, method="GET", path="/", started=at(1), **facts)


def span(name: str, kind: Any = "call", start: float = 0, end: float = 1) -> Span:
    return Span(kind=kind, name=name, start=at(start), end=at(end), how="done")


# What the parts say


def test_moments_of_one_tick_are_ordered_by_their_place_in_it() -> None:
    assert sorted([at(1, 2), at(0.5, 3), at(1, 1)]) == [at(0.5, 3), at(1, 1), at(1, 2)]
    assert at(0.3).seconds == 0.3


def test_elapsed_is_from_the_request_to_the_last_byte() -> None:
    assert exchange(completed=at(1.3)).elapsed == 0.3
    assert exchange(returned=at(5)).elapsed is None


def test_a_body_is_its_chunks_together() -> None:
    made = exchange(chunks=(Chunk(at(1), b'{"a": '), Chunk(at(2), b"1}")))
    assert (made.body, made.text, made.json()) == (b'{"a": 1}', '{"a": 1}', {"a": 1})


def test_a_body_that_is_no_json_or_no_text_does_no_harm() -> None:
    assert exchange(chunks=(Chunk(at(1), b"{"),)).json() is None
    assert exchange(chunks=(Chunk(at(1), b"\xff"),)).json() is None
    assert exchange(chunks=(Chunk(at(1), b"\xff"),)).text == "\ufffd"
    assert exchange().json() is None


def test_a_header_is_found_by_any_spelling() -> None:
    made = exchange(headers=(("x-a", "1"), ("x-a", "2")))
    assert (made.header("X-A"), made.header("x-b")) == ("1", "")


def test_a_line_has_the_moment_of_its_last_byte() -> None:
    chunks = (Chunk(at(1), b"a\nb"), Chunk(at(2), b"c\n\n"), Chunk(at(3), b"d"))
    assert list(exchange(chunks=chunks).lines()) == [
        Chunk(at(1), b"a"),
        Chunk(at(2), b"bc"),
        Chunk(at(3), b"d"),
    ]
    assert list(exchange().lines()) == []


def test_a_line_in_tens_of_thousands_of_chunks_is_read_within_the_judges_budget() -> None:
    chunks = tuple(Chunk(at(n), b"x" * 600) for n in range(40_000))
    with limited():
        [line] = exchange(chunks=chunks).lines()
    assert len(line.body) == 600 * 40_000


def test_thousands_of_calls_outside_of_requests_are_within_the_judges_budget() -> None:
    """There are more than there are requests for them."""
    calls = tuple(span("fetch", start=n + 2, end=n + 3) for n in range(20_000))
    exchanges = tuple(msgspec.structs.replace(exchange(), number=n) for n in range(50))
    with limited():
        found = with_owners(Trace(outcome=Outcome("finished"), exchanges=exchanges, spans=calls))
    assert [one.exchange for one in found.spans[:51]] == [*range(50), None]


def test_calls_are_the_spans_of_collaborators() -> None:
    spans = (span("a"), span("a", kind="wait"), span("b", end=0.3))
    trace = Trace(outcome=Outcome("finished"), spans=spans)
    assert trace.calls() == (spans[0], spans[2])
    assert trace.calls("b") == (spans[2],)
    assert spans[2].seconds == 0.3


# JSON


def eventful() -> FastAPI:
    """An app in which something of every kind happens."""
    app = FastAPI()

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def lines() -> AsyncIterator[str]:
            for number in range(3):
                await asyncio.sleep(0.1)
                yield f"{number}\n"

        return StreamingResponse(lines())

    @app.post("/work")
    async def work(data: dict[str, Any], tasks: BackgroundTasks) -> dict[str, Any]:
        tasks.add_task(asyncio.sleep, 0.7)
        time.sleep(data["seconds"])
        asyncio.sleep(1)
        asyncio.create_task(asyncio.sleep(5))  # noqa: RUF006
        return data

    @app.get("/thread")
    def thread() -> float:
        time.sleep(0.3)
        return time.time()

    @app.get("/fail")
    async def fail() -> None:
        async with asyncio.timeout(0.2), asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(1))
            await asyncio.Event().wait()

    return app


EVENTS = scenario(
    times(3, get("/stream", hangs_up_after=2)),
    post("/work", json={"seconds": 0.4}, at=0.1),
    times(50, get("/thread")),
    get("/fail", cancelled_at=0.15),
    get("/fail"),
    drain=2,
    now=1_800_000_000,  # else it is the real time, which goes on between two plays
)


def test_a_trace_survives_a_journey_as_json() -> None:
    trace = play(eventful(), EVENTS)
    assert len(trace.exchanges) == 56
    assert {span.kind for span in trace.spans} == {"wait", "task", "thread", "blocked"}
    assert {span.how for span in trace.spans} == {"done", "cancelled", "open"}
    kinds = {incident.kind for incident in trace.incidents}
    assert kinds == {"loop-blocked", "never-awaited", "task-unreferenced"}
    assert msgspec.json.decode(encode(trace), type=Trace) == trace


def test_a_stuck_trace_survives_a_journey_as_json() -> None:
    async def endpoint() -> None:
        await asyncio.Event().wait()

    app = FastAPI()
    app.get("/")(endpoint)
    trace = play(app, get("/"))
    assert trace.outcome.waiting
    assert msgspec.json.decode(encode(trace), type=Trace) == trace


GOOD: dict[str, Any] = msgspec.json.decode(encode(play(eventful(), EVENTS)))


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": {"kind": "passed"}},
        {"outcome": None},
        {"exchanges": {}},
        {"exchanges": [{}]},
        {"exchanges": [GOOD["exchanges"][0] | {"status": "200"}]},
        {"exchanges": [GOOD["exchanges"][0] | {"started": [0]}]},
        {"exchanges": [GOOD["exchanges"][0] | {"started": [0.5, 1]}]},
        {"exchanges": [GOOD["exchanges"][0] | {"chunks": [{"at": [0, 0], "body": "§"}]}]},
        {"spans": [GOOD["spans"][0] | {"kind": "nap"}]},
        {"spans": [GOOD["spans"][0] | {"how": "passed"}]},
        {"spans": [GOOD["spans"][0] | {"line": True}]},
        {"incidents": [GOOD["incidents"][0] | {"kind": "fine"}]},
        {"logs": [{"logger": 1}]},
        {"ended": "late"},
    ],
    ids=str,
)
def test_what_is_no_trace_is_rejected(change: dict[str, Any]) -> None:
    assert msgspec.convert(GOOD, type=Trace)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(GOOD | change), type=Trace)


@pytest.mark.parametrize("garbage", [b"", b"null", b"[]", b"{}", b"\xff\x00", encode(GOOD)[:-1]])
def test_garbage_is_rejected(garbage: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(garbage, type=Trace)


def test_a_number_out_of_all_bounds_is_rejected() -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(b'{"outcome": {"kind": "finished"}, "ended": 1e400}', type=Trace)


def test_a_trace_cannot_be_changed() -> None:
    incident = Incident(kind="loop-blocked", at=at(0))
    with pytest.raises(AttributeError):
        incident.seconds = 1  # type: ignore[misc]


# The same play again


def test_the_same_play_gives_the_same_trace() -> None:
    first = encode(play(eventful(), EVENTS))
    assert {encode(play(eventful(), EVENTS)) for _ in range(5)} == {first}


def test_the_same_seed_gives_the_same_trace() -> None:
    def by_seed(seed: int | None) -> bytes:
        return encode(play(eventful(), msgspec.structs.replace(EVENTS, order_seed=seed)))

    assert by_seed(1) == by_seed(1)
    assert len({by_seed(seed) for seed in (None, 1, 2)}) == 3


def test_collaborators_begin_anew_in_each_play() -> None:
    def factory(fetch: Any, read: Any, connect: Any) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> list[Any]:
            connection = await connect()
            found = [row async for row in read()]
            try:
                found.append(await fetch())
            except ConnectionError:
                found.append(await connection.query("select 1"))
            await connection.close()
            return found

        return app

    what = scenario(
        times(2, get("/")),
        fetch=in_turn(fails(0.5), takes(0.2, "fetched")),
        read=rows([1, 2], every=0.25),
        connect=connects(0.1, query=takes(0.3, ["row"]), close=0.1),
    )
    first = play(factory, what)
    answers = [exchange.json() for exchange in first.exchanges]
    assert answers == [[1, 2, ["row"]], [1, 2, "fetched"]]
    assert encode(play(factory, what)) == encode(first)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_lines_are_the_same_however_the_body_was_cut(size: int) -> None:
    """Each comes with the moment of its last byte."""
    body = b"one\n\n two\nthree\nlast"
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = tuple(Chunk(Moment(tick, 0), piece) for tick, piece in enumerate(pieces))
    exchange = Exchange(number=0, method="GET", path="/", started=Moment(0, 0), chunks=chunks)
    found = [(line.body, line.at.tick) for line in exchange.lines()]
    ends = [(b"one", 3), (b" two", 9), (b"three", 15), (b"last", len(body) - 1)]
    assert found == [(line, end // size) for line, end in ends]


@pytest.mark.parametrize(
    "text", ["[" * 101 + "]" * 101, '{"a":' * 101 + "1" + "}" * 101, "[" * 100_000 + "]" * 100_000]
)
def test_json_that_is_nested_too_deeply_is_not_read(text: str) -> None:
    assert json_in(text) is None
    assert json_in("[" * 100 + "]" * 100) is not None
