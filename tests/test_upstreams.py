"""Upstreams: real HTTP clients, over real sockets, at exact virtual times."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import gc
import json
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio.from_thread
import httpx
import httpx2
import msgspec
import pytest
from fastapi import BackgroundTasks, FastAPI, HTTPException
from fastapi.responses import StreamingResponse

from grader import Trace, get, play, postgres, reply, scenario, timeline, times, upstream
from grader.clock import Clock, VirtualLoop
from grader.judge.aspects.answers import answers, elapsed
from grader.judge.aspects.aspect import together
from grader.judge.aspects.connections import (
    connections_opened,
    left_open,
    most_in_flight,
    requests_made,
)
from grader.judge.diagnoses import RULES, Case, diagnose, upstreams
from grader.judge.grading import Grading
from grader.judge.players import FilePlayer, Subject
from grader.model.report import Diagnosis
from grader.model.scenarios import Reply, Scenario, Upstream
from grader.model.trace import Moment, Outcome, Span, SpanKind, encode
from grader.services.base.pipe import Pipe
from grader.services.http.proxies import without_proxies

SOURCE = Path(__file__).read_text("utf-8").splitlines()
Work = Callable[[Any], Awaitable[Any]]
Factory = Callable[[str], FastAPI]

both = pytest.mark.parametrize("library", [httpx, httpx2])
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def line(mark: str) -> int:
    """The number of the line of this file that ends with `# mark`."""
    (number,) = [n for n, text in enumerate(SOURCE, 1) if text.endswith(f"# {mark}")]
    return number


def sharing(work: Work, library: Any = httpx) -> Factory:
    """A factory of an app with one client, whose endpoint does `work` with it."""

    def factory(base_url: str) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with library.AsyncClient(base_url=base_url) as app.state.client:
                yield

        app = FastAPI(lifespan=lifespan)

        @app.get("/")
        async def endpoint() -> Any:
            return await work(app.state.client)

        return app

    return factory


def calling(endpoint: Callable[[str], Any], **options: Any) -> Factory:
    """A factory of an app whose endpoint is `endpoint(base_url)`, as a `def` or an `async def`."""

    def factory(base_url: str) -> FastAPI:
        app = FastAPI(**options)
        if asyncio.iscoroutinefunction(endpoint):

            @app.get("/")
            async def coroutine() -> Any:
                return await endpoint(base_url)

        else:

            @app.get("/")
            def function() -> Any:
                return endpoint(base_url)

        return app

    return factory


def answer(factory: Factory, base_url: Upstream, *requests: Any) -> Any:
    """What the app answers its last request with."""
    trace = play(factory, *(requests or [get("/")]), base_url=base_url)
    assert trace.outcome.kind == "finished", trace.outcome
    assert trace.exchanges[-1].status == 200, trace.exchanges[-1].raised
    return trace.exchanges[-1].json()


def spans(trace: Trace, kind: SpanKind) -> list[Span]:
    return [span for span in trace.spans if span.kind == kind]


def requests_of(trace: Trace) -> list[tuple[Any, ...]]:
    """What was asked, its status, from when to when, and how it ended."""
    return [
        (*span.arguments, span.start.seconds, span.end.seconds, span.how)
        for span in spans(trace, "request")
    ]


async def outcome_of(call: Awaitable[Any]) -> tuple[str, float]:
    """The status of an answer or the name of an error, and when it came."""
    try:
        result = str((await call).status_code)  # asks for the outcome
    except Exception as error:
        result = type(error).__name__
    return result, time.monotonic()


# Answers


@both
def test_an_answer_comes_when_it_should_and_says_what_it_should(library: Any) -> None:
    async def work(client: Any) -> Any:
        response = await client.get("/users")
        return [response.status_code, response.json(), response.headers["x-by"], time.monotonic()]

    routes = {"GET /users": reply(1.25, ["Ada"], status=203, headers={"X-By": "me"})}
    trace = play(sharing(work, library), get("/"), base_url=upstream(routes))
    assert trace.exchanges[0].json() == [203, ["Ada"], "me", 1.25]
    assert trace.exchanges[0].elapsed == 1.25
    assert not trace.incidents


def test_aiohttp_is_answered_too() -> None:
    async def work(base_url: str) -> Any:
        async with (
            aiohttp.ClientSession(base_url) as session,
            session.get("/text") as text,
            session.post("/items", json={"a": 1}) as item,
        ):
            return [await text.text(), item.status, await item.json(), time.monotonic()]

    routes = {"/text": reply(1, text="hi"), "POST /items": reply(0.5, {"id": 7}, status=201)}
    assert answer(calling(work), upstream(routes)) == ["hi", 201, {"id": 7}, 1.5]


def test_requests_at_once_take_as_long_as_the_slowest() -> None:
    async def work(client: Any) -> float:
        await asyncio.gather(*[client.get(f"/{number}") for number in range(10)])
        return time.monotonic()

    routes = {f"/{number}": reply(number / 10) for number in range(10)}
    assert answer(sharing(work), upstream(routes)) == 0.9


def test_a_route_is_found_by_query_and_method_before_path_alone() -> None:
    async def work(client: Any) -> list[str]:
        asked = [
            ("GET", "/a?page=2"),
            ("PUT", "/a?page=2"),
            ("GET", "/a?page=3"),
            ("PUT", "/a"),
        ]
        return [(await client.request(*one)).text for one in asked]

    routes = {
        "/a": reply(text="any"),
        "GET /a": reply(text="get"),
        "/a?page=2": reply(text="second"),
        "GET /a?page=2": reply(text="get second"),
    }
    assert answer(sharing(work), upstream(routes)) == ["get second", "second", "get", "any"]


def test_replies_are_given_in_turn_and_the_last_one_stays() -> None:
    async def work(client: Any) -> list[int]:
        return [(await client.get("/flaky")).status_code for _ in range(4)]

    routes = {"/flaky": [reply(status=503), reply(status=500), reply(status=200)]}
    assert answer(sharing(work), upstream(routes)) == [503, 500, 200, 200]


def test_what_has_no_route_is_not_found() -> None:
    async def work(client: Any) -> int:
        return int((await client.get("/else")).status_code)

    assert answer(sharing(work), upstream({"POST /else": reply()})) == 404


@both
@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_an_answer_that_must_have_no_body_has_none(library: Any, method: str, status: int) -> None:
    async def work(client: Any) -> Any:
        first = await client.request(method, "/")
        return [first.status_code, first.text, (await client.get("/next")).text]

    routes = {"/": reply(status=status, text="body"), "/next": reply(text="next")}
    assert answer(sharing(work, library), upstream(routes)) == [status, "", "next"]


def test_a_long_body_arrives_whole_in_no_time() -> None:
    async def work(client: Any) -> Any:
        up = await client.post("/", content=b"x" * 5_000_000)
        return [len(up.content), time.monotonic()]

    assert answer(sharing(work), upstream({"/": reply(text="y" * 9_000_000)})) == [9_000_000, 0.0]


def test_a_server_takes_at_once_all_that_has_come() -> None:
    """In how many pieces depends on buffers, and those on real time."""
    clock = Clock()
    loop, taken = VirtualLoop(clock), bytearray()
    with (
        contextlib.closing(loop),
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.create_connection(listening.getsockname()) as client,
    ):
        pipe = Pipe(loop, listening.accept()[0], taken.extend)
        client.sendall(b"x" * 100_000)
        assert pipe.receive()
        pipe.close()
    assert len(taken) == 100_000


def test_a_client_may_ask_before_it_sends_a_body() -> None:
    async def work(base_url: str) -> Any:
        async with (
            aiohttp.ClientSession(base_url) as session,
            session.post("/", data=b"x" * 1000, expect100=True) as response,
        ):
            return response.status

    assert answer(calling(work), upstream({"/": reply(1)})) == 200


def test_redirects_are_followed_by_those_who_ask_for_it() -> None:
    async def work(client: Any) -> Any:
        stays = await client.get("/old")
        goes = await client.get("/old", follow_redirects=True)
        return [stays.status_code, goes.text, time.monotonic()]

    routes = {
        "/old": reply(0.5, status=307, headers={"Location": "/new"}),
        "/new": reply(1, text="here"),
    }
    assert answer(sharing(work), upstream(routes)) == [307, "here", 2.0]


def test_retry_after_can_be_obeyed() -> None:
    async def work(client: Any) -> Any:
        while (response := await client.get("/")).status_code == 429:
            await asyncio.sleep(float(response.headers["retry-after"]))
        return [response.text, time.monotonic()]

    busy = reply(0.25, status=429, headers={"Retry-After": "3"})
    assert answer(sharing(work), upstream({"/": [busy, reply(text="ok")]})) == ["ok", 3.25]


# Slow, in every way


@both
def test_a_read_timeout_comes_at_its_moment(library: Any) -> None:
    async def work(client: Any) -> Any:
        return await outcome_of(client.get("/slow", timeout=2))

    trace = play(sharing(work, library), get("/"), base_url=upstream({"/slow": reply(10)}))
    assert trace.exchanges[0].json() == ["ReadTimeout", 2.0]
    assert requests_of(trace) == [("GET /slow", None, 0.0, 2.0, "cancelled")]


def test_a_timeout_comes_where_floats_miss_its_moment_by_a_hair() -> None:
    """0.2 + 0.1 is more than 0.3, and anyio asks whether that moment has come."""

    async def work(client: Any) -> Any:
        return [await outcome_of(client.get("/", timeout=0.1)) for _ in range(3)]

    found = answer(sharing(work), upstream({"/": reply(1)}))
    assert found == [["ReadTimeout", 0.1], ["ReadTimeout", 0.2], ["ReadTimeout", 0.3]]


@both
def test_a_connect_timeout_comes_at_its_moment(library: Any) -> None:
    async def work(client: Any) -> Any:
        return await outcome_of(client.get("/", timeout=2))

    assert answer(sharing(work, library), upstream({}, connect=3)) == ["ConnectTimeout", 2.0]


def test_connecting_takes_its_time_once_for_each_connection() -> None:
    async def work(client: Any) -> list[float]:
        return [(await outcome_of(client.get("/")))[1] for _ in range(2)]

    routes = {"/": reply(0.5)}
    assert answer(sharing(work), upstream(routes, connect=0.25)) == [0.75, 1.25]


def test_timeouts_of_aiohttp_and_asyncio_come_at_their_moments() -> None:
    async def work(base_url: str) -> list[float]:
        moments = []
        async with aiohttp.ClientSession(base_url) as session:
            for limit in (aiohttp.ClientTimeout(total=2), aiohttp.ClientTimeout(sock_read=1)):
                with pytest.raises(TimeoutError):
                    await session.get("/", timeout=limit)
                moments.append(time.monotonic())
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.125):
                    await session.get("/")
        return [*moments, time.monotonic()]

    assert answer(calling(work), upstream({"/": reply(10)})) == [2.0, 3.0, 3.125]


@both
def test_headers_may_be_slow(library: Any) -> None:
    async def work(client: Any) -> Any:
        async with client.stream("GET", "/") as response:
            headers = time.monotonic()
            await response.aread()
        return [headers, response.text, time.monotonic()]

    routes = {"/": reply(1, headers_take=2, chunks=["a", "b"], every=0.5)}
    assert answer(sharing(work, library), upstream(routes)) == [3.0, "ab", 4.0]


@both
def test_pieces_of_a_stream_come_at_their_moments(library: Any) -> None:
    async def work(client: Any) -> Any:
        async with client.stream("GET", "/") as response:
            return [[text, time.monotonic()] async for text in response.aiter_text()]

    routes = {"/": reply(1, chunks=["a", "b", "c"], every=0.5)}
    expected = [["a", 1.5], ["b", 2.0], ["c", 2.5]]
    assert answer(sharing(work, library), upstream(routes)) == expected


def test_a_read_timeout_is_about_each_piece_and_not_about_all() -> None:
    async def work(client: Any) -> Any:
        return [
            await outcome_of(client.get("/steady", timeout=2)),
            await outcome_of(client.get("/pausing", timeout=2)),
        ]

    routes = {"/steady": reply(chunks="abcd", every=1.5), "/pausing": reply(chunks="ab", every=3)}
    assert answer(sharing(work), upstream(routes)) == [["200", 6.0], ["ReadTimeout", 8.0]]


def test_a_stream_is_passed_on_as_it_comes() -> None:
    def factory(base_url: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> StreamingResponse:
            async def lines() -> AsyncIterator[str]:
                async with (
                    httpx.AsyncClient(base_url=base_url) as client,
                    client.stream("GET", "/") as response,
                ):
                    async for text in response.aiter_text():
                        yield text

            return StreamingResponse(lines())

        return app

    routes = {"/": reply(chunks=["1\n", "2\n", "3\n"])}
    patient, leaving = play(
        factory, get("/"), get("/", hangs_up_after=2), base_url=upstream(routes)
    ).exchanges
    assert [chunk.at.seconds for chunk in patient.chunks] == [1.0, 2.0, 3.0]
    assert leaving.hung_up is not None
    assert leaving.hung_up.seconds == 2.0


def test_an_upstream_that_never_answers_leaves_a_patient_client_stuck() -> None:
    async def work(client: Any) -> Any:
        return await client.get("/", timeout=None)  # waits for ever

    trace = play(sharing(work), get("/"), base_url=upstream({"/": reply(float("inf"))}))
    assert trace.outcome.kind == "stuck"
    assert trace.outcome.line == line("waits for ever")


# Lost and refused connections


@both
def test_a_connection_can_be_lost_instead_of_an_answer_or_in_its_middle(library: Any) -> None:
    async def work(client: Any) -> Any:
        instead = await outcome_of(client.get("/instead"))
        async with client.stream("GET", "/midway") as response:
            pieces: list[str] = []
            with contextlib.suppress(library.RemoteProtocolError):
                async for text in response.aiter_text():
                    pieces.append(text)
                pieces.append("the end")
        lost = time.monotonic()
        whole = await outcome_of(client.get("/body"))
        return [instead, response.status_code, pieces, lost, whole]

    routes = {
        "/instead": reply(1, drops="instead"),
        "/midway": reply(1, chunks=["a", "b", "c"], drops="midway"),
        "/body": reply(1, text="ab", drops="midway"),
    }
    trace = play(sharing(work, library), get("/"), base_url=upstream(routes))
    lost = "RemoteProtocolError"
    assert trace.exchanges[0].json() == [[lost, 1.0], 200, ["a"], 4.0, [lost, 5.0]]
    assert requests_of(trace) == [
        ("GET /instead", None, 0.0, 1.0, "failed"),
        ("GET /midway", 200, 1.0, 4.0, "failed"),
        ("GET /body", 200, 4.0, 5.0, "failed"),
    ]
    assert [span.how for span in spans(trace, "connection")] == ["failed"] * 3


@both
def test_connections_are_refused_as_often_as_ordered(library: Any) -> None:
    async def work(client: Any) -> Any:
        return [await outcome_of(client.get("/")) for _ in range(3)]

    trace = play(sharing(work, library), get("/"), base_url=upstream({"/": reply(1)}, refuses=2))
    refused = ["ConnectError", 0.0]
    assert trace.exchanges[0].json() == [refused, refused, ["200", 1.0]]
    attempts = spans(trace, "connection")
    assert [(span.how, span.resource, span.line) for span in attempts] == [
        ("failed", None, line("asks for the outcome")),
        ("failed", None, line("asks for the outcome")),
        ("done", 1, line("asks for the outcome")),
    ]


def test_an_upstream_that_is_down_refuses_everybody() -> None:
    async def work(base_url: str) -> Any:
        async with aiohttp.ClientSession(base_url) as session:
            with pytest.raises(aiohttp.ClientConnectorError) as caught:
                await session.get("/")
        assert isinstance(caught.value.os_error, ConnectionRefusedError)
        with pytest.raises(urllib.error.URLError, match="refused"):
            await asyncio.to_thread(urllib.request.urlopen, base_url)
        return [await outcome_of(httpx.AsyncClient().get(base_url)), threading.active_count() > 0]

    found = answer(calling(work), upstream({}, refuses=None, connect=1))
    assert found == [["ConnectError", 3.0], True]


def test_retries_of_the_transport_are_for_refused_connections_only() -> None:
    async def work(base_url: str) -> Any:
        transport = httpx.AsyncHTTPTransport(retries=2)
        async with httpx.AsyncClient(base_url=base_url, transport=transport) as client:
            return [await outcome_of(client.get("/")), await outcome_of(client.get("/lost"))]

    routes = {"/": reply(1), "/lost": reply(drops="instead")}
    found = answer(calling(work), upstream(routes, refuses=2))
    assert found == [["200", 1.5], ["RemoteProtocolError", 1.5]]  # waits 0 s, then 0.5 s


def test_who_speaks_no_http_is_sent_away() -> None:
    async def work(base_url: str) -> Any:
        return await outcome_of(httpx.AsyncClient().get(base_url.replace("http", "https")))

    assert answer(calling(work), upstream({})) == ["ConnectError", 0.0]


# What is recorded


def test_a_request_is_told_with_its_exchange_line_task_and_connection() -> None:
    async def work(client: Any) -> Any:
        task = asyncio.create_task(client.get("/a"))
        await client.post("/b", json=1)  # asks
        await task

    routes = {"/a": reply(1), "POST /b": reply(2, status=201)}
    trace = play(sharing(work), get("/"), get("/", at=1), base_url=upstream(routes))
    asked = [span for span in spans(trace, "request") if span.arguments == ("POST /b", 201)]
    assert [(span.exchange, span.line, span.name) for span in asked] == [
        (0, line("asks"), "base_url"),
        (1, line("asks"), "base_url"),
    ]
    assert asked[0].task == next(s.task for s in trace.spans if s.kind == "wait")
    opened = {span.resource: span for span in spans(trace, "connection")}
    assert {span.resource for span in asked} <= set(opened)
    assert opened[asked[0].resource].line == line("asks")


def test_a_connection_has_the_line_of_its_first_user() -> None:
    """A library may open it in a task that knows nothing of the learner's code."""

    async def work(client: Any) -> None:
        await asyncio.gather(client.get("/a"), client.get("/b"))  # gathers

    trace = play(sharing(work), get("/"), base_url=upstream({}))
    connections, asked = spans(trace, "connection"), spans(trace, "request")
    assert [span.line for span in connections] == [line("gathers")] * 2
    assert [span.task for span in connections] == [span.task for span in asked]


def test_requests_that_come_together_are_answered_one_after_the_other() -> None:
    async def work(base_url: str) -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(base_url).port)
        writer.write(b"GET /a HTTP/1.1\r\nhost: x\r\n\r\nGET /b HTTP/1.1\r\nhost: x\r\n\r\n")
        found = []
        for _ in range(2):
            head = await reader.readuntil(b"\r\n\r\n")
            found.append((head.split(b"\r\n")[0].decode(), time.monotonic()))
        writer.close()
        return found

    routes = {"/a": reply(1), "/b": reply(2, status=204)}
    expected = [["HTTP/1.1 200 OK", 1.0], ["HTTP/1.1 204 No Content", 3.0]]
    assert answer(calling(work), upstream(routes)) == expected


def test_a_connection_is_used_again_by_one_client_and_not_by_many() -> None:
    async def shared(client: Any) -> None:
        await client.get("/")

    async def own(base_url: str) -> None:
        async with httpx.AsyncClient(base_url=base_url) as client:
            await client.get("/")

    def opened(factory: Factory) -> object:
        requests = [get("/", at=at) for at in range(3)]
        return connections_opened(play(factory, *requests, base_url=upstream({"/": reply(0.5)})))

    assert opened(sharing(shared)) == (("base_url", 1),)
    assert opened(calling(own)) == (("base_url", 3),)


def test_an_idle_connection_expires_in_virtual_time() -> None:
    async def work(client: Any) -> None:
        await client.get("/")

    def opened(pause: float) -> int:
        trace = play(sharing(work), get("/"), get("/", at=pause), base_url=upstream({"/": reply()}))
        return len(spans(trace, "connection"))

    assert (opened(5), opened(5.001)) == (1, 2)  # keepalive_expiry is 5 s


def test_an_upstream_closes_a_connection_that_is_idle_too_long() -> None:
    """The time of an answer doesn't count, and the next request opens another."""

    async def work(client: Any) -> None:
        await client.get("/")

    slow = upstream({"/": reply(3)}, keep_alive=2)
    trace = play(sharing(work), *(get("/", at=moment) for moment in (0, 4, 10)), base_url=slow)
    assert [exchange.status for exchange in trace.exchanges] == [200, 200, 200]
    lives = [(s.start.seconds, s.end.seconds, s.how) for s in spans(trace, "connection")]
    assert lives == [(0, 9, "done"), (10, 13, "done")]


def test_a_semaphore_limits_what_is_in_flight() -> None:
    async def work(client: Any) -> float:
        limit = asyncio.Semaphore(3)

        async def fetch() -> None:
            async with limit:
                await client.get("/")

        await asyncio.gather(*[fetch() for _ in range(9)])
        return time.monotonic()

    trace = play(sharing(work), get("/"), base_url=upstream({"/": reply(1)}))
    assert trace.exchanges[0].json() == 3.0
    assert most_in_flight(trace) == (3,)
    assert requests_made(trace) == ("GET /",) * 9


def test_limits_of_a_client_limit_what_is_in_flight() -> None:
    async def work(base_url: str) -> float:
        limits = httpx.Limits(max_connections=4)
        async with httpx.AsyncClient(base_url=base_url, limits=limits) as client:
            await asyncio.gather(*[client.get("/") for _ in range(8)])
        return time.monotonic()

    trace = play(calling(work), get("/"), base_url=upstream({"/": reply(1)}))
    assert trace.exchanges[0].json() == 2.0
    assert most_in_flight(trace) == (4,)
    assert connections_opened(trace) == (("base_url", 4),)


def test_who_hangs_up_or_is_cancelled_takes_its_request_along() -> None:
    async def work(client: Any) -> StreamingResponse:
        async def body() -> AsyncIterator[str]:
            yield "begins\n"
            yield (await client.get("/slow")).text

        return StreamingResponse(body())

    trace = play(
        sharing(work),
        get("/", hangs_up_at=1.5),
        get("/", cancelled_at=2),
        base_url=upstream({"/slow": reply(10)}),
    )
    assert requests_of(trace) == [
        ("GET /slow", None, 0.0, 1.5, "cancelled"),
        ("GET /slow", None, 0.0, 2.0, "cancelled"),
    ]


def test_a_request_in_the_background_belongs_to_its_exchange() -> None:
    def factory(base_url: str) -> FastAPI:
        app = FastAPI()

        async def report() -> None:
            async with httpx.AsyncClient(base_url=base_url) as client:
                await client.post("/report")

        @app.get("/")
        async def endpoint(background: BackgroundTasks) -> None:
            background.add_task(report)

        return app

    trace = play(factory, get("/"), get("/"), base_url=upstream({"POST /report": reply(3)}))
    assert [exchange.elapsed for exchange in trace.exchanges] == [0.0, 0.0]
    assert [(s.exchange, s.seconds, s.how) for s in spans(trace, "request")] == [
        (0, 3.0, "done"),
        (1, 3.0, "done"),
    ]


@both
def test_a_client_left_open_is_seen_and_a_closed_one_is_not(library: Any) -> None:
    def factory(base_url: str) -> FastAPI:
        client = library.AsyncClient(base_url=base_url)

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            yield
            if closes:
                await client.aclose()

        app = FastAPI(lifespan=lifespan)

        @app.get("/")
        async def endpoint() -> None:
            await asyncio.gather(client.get("/"), client.get("/"))

        return app

    closes = True
    closed = play(factory, get("/"), base_url=upstream({"/": reply(1)}))
    closes = False
    left = play(factory, get("/"), base_url=upstream({"/": reply(1)}))
    assert left_open(closed) == (0,)
    assert left_open(left) == (2,)
    assert [span.end.seconds for span in spans(left, "connection")] == [1.0, 1.0]
    gc.collect()


def test_a_request_that_outlives_the_app_ends_open() -> None:
    def factory(base_url: str) -> FastAPI:
        app = FastAPI()
        app.state.tasks = []

        @app.get("/")
        async def endpoint() -> None:
            call = httpx.AsyncClient().get(base_url, timeout=None)
            app.state.tasks.append(asyncio.create_task(call))

        return app

    trace = play(factory, get("/"), drain=5, base_url=upstream({"/": reply(100)}))
    assert requests_of(trace) == [("GET /", None, 0.0, 5.0, "open")]


def test_an_upstream_has_no_tasks_in_the_loop() -> None:
    async def work(client: Any) -> int:
        await client.get("/")
        before = asyncio.all_tasks()
        call = asyncio.create_task(client.get("/"))
        await asyncio.sleep(0.5)
        under_way = asyncio.all_tasks() - before - {call}
        await call
        return len(under_way)

    assert answer(sharing(work), upstream({"/": reply(1)})) == 0


def test_libraries_are_not_heard_debugging() -> None:
    async def work(client: Any) -> None:
        await client.get("/")

    trace = play(sharing(work), get("/"), base_url=upstream({"/": reply(1)}))
    assert [(log.logger, log.level) for log in trace.logs] == [("httpx", "INFO")]


def test_two_upstreams_are_told_apart() -> None:
    def factory(users: str, orders: str) -> FastAPI:
        async def work(client: Any) -> Any:
            responses = await asyncio.gather(client.get(users), client.get(orders + "/all"))
            return [response.json() for response in responses]

        return sharing(work)("")

    trace = play(
        factory,
        get("/"),
        users=upstream({"/": reply(1, ["Ada"])}),
        orders=upstream({"/all": reply(2, [1])}),
    )
    assert trace.exchanges[0].json() == [["Ada"], [1]]
    asked = [(span.name, span.arguments, span.seconds) for span in spans(trace, "request")]
    assert asked == [("users", ("GET /", 200), 1.0), ("orders", ("GET /all", 200), 2.0)]


# Blocking clients


def blocking_get(base_url: str) -> list[Any]:
    first = httpx.get(base_url).json()  # blocks with httpx
    with urllib.request.urlopen(base_url) as response:  # blocks with urllib
        return [first, json.load(response), time.monotonic()]


def test_a_blocking_client_in_a_thread_waits_on_the_clock() -> None:
    base_url = upstream({"/": reply(1, 7)})
    what = scenario(times(5, get("/")), threads=2, base_url=base_url)
    trace = play(calling(blocking_get), what)
    assert [e.json()[2] for e in trace.exchanges] == [2.0, 2.0, 4.0, 4.0, 6.0]
    assert not trace.incidents
    lines = {span.line for span in spans(trace, "request")}
    assert lines == {line("blocks with httpx"), line("blocks with urllib")}


def test_a_blocking_client_on_the_loop_blocks_it_for_as_long_as_it_waits() -> None:
    async def endpoint(base_url: str) -> list[Any]:
        return blocking_get(base_url)

    trace = play(calling(endpoint), get("/"), get("/"), base_url=upstream({"/": reply(1, 7)}))
    assert [exchange.json() for exchange in trace.exchanges] == [[7, 7, 2.0], [7, 7, 4.0]]
    assert [exchange.elapsed for exchange in trace.exchanges] == [2.0, 4.0]
    blocked = [(i.line, i.seconds) for i in trace.incidents if i.seconds]
    expected = [(line("blocks with httpx"), 1.0), (line("blocks with urllib"), 1.0)]
    assert blocked == expected * 2


@pytest.mark.parametrize("where", ["thread", "loop"])
def test_timeouts_of_a_blocking_client_are_over_on_the_clock(where: str) -> None:
    def tries(base_url: str) -> list[Any]:
        found = []
        for seconds in (40, 20):
            try:
                httpx.get(base_url, timeout=seconds)
            except httpx.TimeoutException as error:
                found.append((type(error).__name__, time.monotonic()))
        return found

    async def on_loop(base_url: str) -> list[Any]:
        return tries(base_url)

    endpoint = tries if where == "thread" else on_loop
    began = time.monotonic()
    found = answer(calling(endpoint), upstream({"/": reply(100)}, connect=30))
    assert found == [["ReadTimeout", 70.0], ["ConnectTimeout", 90.0]]
    assert time.monotonic() - began < 40


def test_a_blocking_client_that_waits_for_ever_on_the_loop_ends_the_play() -> None:
    async def endpoint(base_url: str) -> None:
        httpx.get(base_url, timeout=None)  # for ever on the loop

    trace = play(calling(endpoint), get("/"), base_url=upstream({"/": reply(float("inf"))}))
    assert trace.outcome.kind == "ran-away"
    assert line("for ever on the loop") in [i.line for i in trace.incidents if i.seconds]


def test_an_upstream_serves_others_while_the_loop_is_blocked() -> None:
    async def work(client: Any) -> Any:
        slow = asyncio.create_task(client.get("/"))
        await asyncio.sleep(0.5)
        time.sleep(2)
        return [(await slow).text, time.monotonic()]

    trace = play(sharing(work), get("/"), base_url=upstream({"/": reply(1, text="ok")}))
    assert trace.exchanges[0].json() == ["ok", 2.5]
    assert requests_of(trace) == [("GET /", 200, 0.0, 1.0, "done")]


@pytest.mark.parametrize("waits", ["pool", "portal"])
def test_a_loop_that_waits_for_a_thread_that_waits_for_an_upstream(waits: str) -> None:
    async def fetch(base_url: str) -> int:
        async with httpx.AsyncClient() as client:
            return (await client.get(base_url)).status_code

    async def endpoint(base_url: str) -> Any:
        if waits == "pool":
            with concurrent.futures.ThreadPoolExecutor() as pool:
                return pool.submit(httpx.get, base_url).result().status_code, time.monotonic()
        with anyio.from_thread.start_blocking_portal() as portal:
            return portal.call(fetch, base_url), time.monotonic()

    assert answer(calling(endpoint), upstream({"/": reply(1)})) == [200, 1.0]


def test_a_loop_in_a_thread_hears_of_its_answers_at_once() -> None:
    async def fetch(base_url: str) -> float:
        async with httpx.AsyncClient(base_url=base_url) as client:
            await asyncio.gather(client.get("/"), client.get("/"))
        return time.monotonic()

    def endpoint(base_url: str) -> float:
        return asyncio.run(fetch(base_url))

    assert answer(calling(endpoint), upstream({"/": reply(1)})) == 1.0


def test_a_factory_may_ask_already() -> None:
    def factory(base_url: str) -> FastAPI:
        settings = httpx.get(base_url).json()
        app = FastAPI()
        app.get("/")(lambda: [settings, time.monotonic()])
        return app

    trace = play(factory, get("/"), base_url=upstream({"/": reply(1, {"debug": True})}))
    assert trace.exchanges[0].json() == [{"debug": True}, 1.0]
    assert trace.exchanges[0].elapsed == 0.0


# What a play leaves


def files() -> set[str]:
    """The open files and sockets of this process."""
    with contextlib.ExitStack() as stack:
        listing = stack.enter_context(os.scandir("/proc/self/fd"))
        return {os.readlink(entry.path) for entry in listing}


@linux_only
@pytest.mark.filterwarnings(
    "ignore:unclosed:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize("ends", ["well", "unbuilt", "open", "stuck"])
def test_no_socket_is_left(ends: str) -> None:
    def factory(base_url: str) -> FastAPI:
        if ends == "unbuilt":
            raise ValueError

        async def endpoint(base_url: str) -> None:
            client = httpx.AsyncClient(base_url=base_url, timeout=None)
            await client.get("/slow" if ends == "stuck" else "/")
            if ends == "well":
                await client.aclose()

        return calling(endpoint)(base_url)

    base_url = upstream({"/": reply(), "/slow": reply(float("inf"))})
    before = files()
    with contextlib.suppress(ValueError):
        trace = play(factory, get("/"), base_url=base_url)
        assert trace.outcome.kind == ("stuck" if ends == "stuck" else "finished")
    gc.collect()
    assert files() == before


def test_sockets_are_as_they_were_after_a_play() -> None:
    async def work(client: Any) -> None:
        await client.get("/")

    before = dict(os.environ), [getattr(socket.socket, name) for name in ("connect", "recv")]
    play(sharing(work), get("/"), base_url=upstream({"/": reply(1)}))
    # blockbuster puts a method that was inherited from C into the class itself; it is the same.
    assert (dict(os.environ), [getattr(socket.socket, n) for n in ("connect", "recv")]) == before


def test_a_server_that_is_not_of_the_play_is_left_alone() -> None:
    ours, theirs = socket.create_server(("127.0.0.1", 0)), []

    def serve() -> None:
        connection, _ = ours.accept()
        with connection:
            theirs.append(connection.recv(100))
            connection.sendall(b"yes")

    def endpoint(base_url: str) -> str:
        with socket.create_connection(ours.getsockname()) as client:
            client.sendall(b"you?")
            return client.recv(100).decode()

    server = threading.Thread(target=serve)
    server.start()
    assert answer(calling(endpoint), upstream({})) == "yes"
    server.join()
    ours.close()
    assert theirs == [b"you?"]


def test_proxies_of_the_machine_are_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:9")
    before = dict(os.environ)

    async def work(base_url: str) -> Any:
        async with httpx.AsyncClient(base_url=base_url) as client:
            asynchronous = await outcome_of(client.get("/"))
        return [asynchronous, await asyncio.to_thread(blocking_get, base_url)]

    found = answer(calling(work), upstream({"/": reply(1, 7)}))
    assert found == [["200", 1.0], [7, 7, 3.0]]
    assert os.environ == before


def test_proxies_come_back_when_the_last_user_of_none_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with without_proxies():
        with without_proxies():
            assert "HTTP_PROXY" not in os.environ
        assert "HTTP_PROXY" not in os.environ
    assert os.environ["HTTP_PROXY"] == "http://127.0.0.1:9"


def test_a_reply_that_http_has_no_form_for_is_the_scenarios_fault() -> None:
    async def work(client: Any) -> Any:
        return await outcome_of(client.get("/"))

    trace = play(sharing(work), get("/"), base_url=upstream({"/": reply(status=99)}))
    assert trace.outcome.kind == "grader-broke"
    assert trace.outcome.problem.startswith("base_url: GET / cannot be answered: ")


@pytest.mark.parametrize("seed", [None, 1])
def test_the_same_play_gives_the_same_trace(seed: int | None) -> None:
    async def work(client: Any) -> Any:
        calls = [client.get("/slow", timeout=1), client.get("/"), client.get("/stream")]
        return [await outcome_of(call) for call in calls]

    def told() -> list[Any]:
        trace = play(sharing(work), what)
        return [trace.spans, trace.exchanges, trace.incidents]

    routes = {"/": reply(0.5), "/slow": reply(2), "/stream": reply(chunks="abc", every=0.1)}
    what = scenario(times(6, get("/")), order_seed=seed, base_url=upstream(routes))
    first = told()
    assert all(told() == first for _ in range(5))


def test_a_scenario_with_an_upstream_survives_a_journey() -> None:
    replies = [reply(1, [None], headers={"A": "b"}), reply(chunks=["é"], drops="midway")]
    what = scenario(get("/"), base_url=upstream({"/": replies}, refuses=None, connect=0.5))
    assert msgspec.json.decode(encode(what), type=Scenario) == what
    assert replies[0].headers == (("a", "b"), ("content-type", "application/json"))


LEARNER = """
import httpx
from fastapi import FastAPI

def exercise_1(base_url):
    app = FastAPI()

    @app.get("/")
    async def endpoint():
        return httpx.get(base_url).json()

    return app
"""


def test_a_player_survives_what_a_learner_does_with_an_upstream(grading: Grading) -> None:
    what = scenario(get("/"), get("/"), base_url=upstream({"/": reply(1, "x")}))
    performer = FilePlayer(grading.worker, LEARNER, "/learner/exercise.py")
    player = Subject(performer, "exercise_1")
    try:
        for _ in range(2):
            trace = player.play(what)
            assert [exchange.json() for exchange in trace.exchanges] == ["x", "x"]
            assert [(i.line, i.seconds) for i in trace.incidents if i.seconds] == [(10, 1.0)] * 2
    finally:
        performer.close()


# Diagnoses


OF_UPSTREAMS = together(
    answers, elapsed, requests_made, most_in_flight, connections_opened, left_open
)
"""All that a check of an app with an upstream looks at."""


def judged(
    learner: Factory, reference: Factory, base_url: Upstream, *requests: Any
) -> list[Diagnosis]:
    what = scenario(*(requests or [get("/")]), time_limit=40, base_url=base_url)
    got, expected = play(learner, what), play(reference, what)
    aspect = OF_UPSTREAMS if got.outcome.kind == "finished" else None
    return list(diagnose(Case(got, expected, what, aspect, lambda _: (got, expected))))


def ids(diagnoses: list[Diagnosis]) -> list[str]:
    return [diagnosis.id for diagnosis in diagnoses]


async def fetch_all(client: Any) -> None:
    for _ in range(3):
        await client.get("/")


def test_client_per_request_is_told() -> None:
    async def own(base_url: str) -> None:
        async with httpx.AsyncClient(base_url=base_url) as client:
            await client.get("/")  # has its own

    async def shared(client: Any) -> None:
        await client.get("/")

    requests = [get("/", at=at) for at in range(3)]
    first, *_ = judged(calling(own), sharing(shared), upstream({"/": reply(0.5)}), *requests)
    assert (first.id, first.line) == ("client-per-request", line("has its own"))
    assert "3 for 3 requests, where 1 would do" in first.text


def test_client_per_call_is_told() -> None:
    async def own(base_url: str) -> None:
        for _ in range(3):
            async with httpx.AsyncClient(base_url=base_url) as client:
                await client.get("/")  # has one for each call

    first, *_ = judged(calling(own), sharing(fetch_all), upstream({"/": reply(0.5)}))
    assert (first.id, first.line) == ("client-per-request", line("has one for each call"))


def test_a_shared_client_is_no_client_per_request() -> None:
    """Neither where all ask at once, nor where connections are lost, nor where both are idle."""

    async def at_once(client: Any) -> None:
        await asyncio.gather(*[client.get("/") for _ in range(3)])

    async def more_and_more(client: Any) -> None:
        await client.get("/")
        await at_once(client)

    async def impatient(client: Any) -> None:
        for _ in range(3):
            await outcome_of(client.get("/", timeout=0.1))

    base_url = upstream({"/": reply(0.5)})
    assert "client-per-request" not in ids(judged(sharing(at_once), sharing(fetch_all), base_url))
    assert "client-per-request" not in ids(judged(sharing(impatient), sharing(fetch_all), base_url))
    more = judged(sharing(more_and_more), sharing(fetch_all), base_url)
    assert "client-per-request" not in ids(more)
    apart = [get("/"), get("/", at=20)]
    late = judged(sharing(at_once), sharing(at_once), base_url, *apart)
    assert "client-per-request" not in ids(late)


def test_client_not_closed_is_told() -> None:
    def learner(base_url: str) -> FastAPI:
        client = httpx.AsyncClient(base_url=base_url)

        async def endpoint(base_url: str) -> None:
            await client.get("/")  # leaves it open

        return calling(endpoint)(base_url)

    async def work(client: Any) -> None:
        await client.get("/")

    first, *_ = judged(learner, sharing(work), upstream({"/": reply(1)}))
    assert (first.id, first.line) == ("client-not-closed", line("leaves it open"))
    assert "a connection to base_url that is still open" in first.text
    assert "client-not-closed" not in ids(judged(sharing(work), sharing(work), upstream({})))
    gc.collect()


def test_unbounded_fan_out_is_told() -> None:
    async def work(client: Any, limit: int = 3) -> None:
        allowed = asyncio.Semaphore(limit)

        async def fetch() -> None:
            async with allowed:
                await client.get("/")

        await asyncio.gather(*[fetch() for _ in range(12)])  # fans out

    async def unbounded(client: Any) -> None:
        await work(client, 12)

    first, *_ = judged(sharing(unbounded), sharing(work), upstream({"/": reply(1)}))
    assert (first.id, first.line) == ("unbounded-fan-out", line("fans out"))
    assert "12 are under way at once, where 3 is the most" in first.text


@pytest.mark.parametrize(
    ("what", "base_url"),
    [
        ("GET /", upstream({"/": reply(0.1, status=503)})),
        ("GET /", upstream({"/": reply(0.1, drops="instead")})),
        ("to connect to base_url", upstream({}, refuses=None)),
    ],
)
@pytest.mark.parametrize("times", [8, 10_000])
def test_retry_without_limit_is_told(what: str, base_url: Upstream, times: int) -> None:
    """Also where the play has run away by it."""

    async def work(client: Any, times: int = 3) -> None:
        for _ in range(times):
            with contextlib.suppress(httpx.TransportError):
                if (await client.get("/")).is_success:  # tries again
                    return
            await asyncio.sleep(1)

    async def stubborn(client: Any) -> None:
        await work(client, times)

    first, *_ = judged(sharing(stubborn), sharing(work), base_url)
    assert (first.id, first.line) == ("retry-without-limit", line("tries again"))
    assert f"tries {what} again and again" in first.text
    assert "after 3 it is time to give up" in first.text


def test_a_few_more_tries_are_not_without_limit() -> None:
    async def work(client: Any, times: int = 3) -> None:
        for _ in range(times):
            await client.get("/")

    async def more(client: Any) -> None:
        await work(client, 5)

    base_url = upstream({"/": reply(0.1, status=503)})
    assert "retry-without-limit" not in ids(judged(sharing(more), sharing(work), base_url))
    fine = upstream({"/": reply(0.1)})

    async def many(client: Any) -> None:
        await work(client, 50)

    assert "retry-without-limit" not in ids(judged(sharing(many), sharing(work), fine))


@pytest.mark.parametrize(
    ("words", "order"),
    [
        ("had not been answered in time", reply(9)),
        ("was answered with 500", reply(status=500)),
        ("got no answer", reply(drops="instead")),
    ],
)
def test_retry_unsafe_is_told(words: str, order: Reply) -> None:
    async def once(client: Any) -> None:
        await outcome_of(client.post("/order", timeout=2))

    async def twice(client: Any) -> None:
        await once(client)
        await outcome_of(client.post("/order"))

    base_url = upstream({"POST /order": [order, reply()]})
    first, *_ = judged(sharing(twice), sharing(once), base_url)
    assert (first.id, first.line) == ("retry-unsafe", line("asks for the outcome"))
    assert f"sends POST /order once more after it {words}" in first.text


@pytest.mark.parametrize(
    ("method", "first"), [("POST", reply(status=503)), ("PUT", reply(status=500))]
)
def test_a_retry_that_does_no_harm_is_not_told(method: str, first: Reply) -> None:
    """What was surely not carried out may be repeated, and so may what is idempotent."""

    async def once(client: Any) -> None:
        await client.request(method, "/order")

    async def twice(client: Any) -> None:
        await once(client)
        await once(client)

    base_url = upstream({"/order": [first, reply()]})
    assert "retry-unsafe" not in ids(judged(sharing(twice), sharing(once), base_url))


def test_no_timeout_is_told_of_requests_too() -> None:
    async def patient(client: Any) -> Any:
        return (await client.get("/slow", timeout=None)).text  # has all the time

    def impatient(base_url: str) -> FastAPI:
        async def work(client: Any) -> Any:
            try:
                return (await client.get("/slow", timeout=2)).text
            except httpx.ReadTimeout as error:
                raise HTTPException(504) from error

        return sharing(work)(base_url)

    first, *_ = judged(sharing(patient), impatient, upstream({"/slow": reply(30)}))
    assert (first.id, first.line) == ("no-timeout", line("has all the time"))
    assert "waits for GET /slow as long as it takes: 30 s here, where 2 s is the most" in first.text


def test_requests_in_turn_are_told() -> None:
    async def in_turn(client: Any) -> None:
        await client.get("/a")  # goes first
        await client.get("/b")

    async def at_once(client: Any) -> None:
        await asyncio.gather(client.get("/a"), client.get("/b"))

    routes = {"/a": reply(1), "/b": reply(1)}
    first, *_ = judged(sharing(in_turn), sharing(at_once), upstream(routes))
    assert (first.id, first.line) == ("awaited-in-turn", line("goes first"))
    assert "GET /a, then GET /b" in first.text


def test_a_blocking_client_is_told_by_its_line() -> None:
    async def blocking(base_url: str) -> None:
        httpx.get(base_url)  # blocks

    async def work(client: Any) -> None:
        await client.get("/")

    first, *_ = judged(calling(blocking), sharing(work), upstream({"/": reply(2)}))
    assert (first.id, first.line) == ("loop-blocked", line("blocks"))
    assert "blocks the event loop for 2 s" in first.text


def test_nothing_is_said_of_connections_to_anything_else() -> None:
    """A database has connections too, and they are not HTTP."""
    moment = Moment(0, 1)
    connection = Span(
        kind="connection", name="dsn", start=moment, end=moment, how="open", resource=1, line=7
    )
    got = Trace(outcome=Outcome("finished"), spans=(connection,))
    expected, what = Trace(outcome=Outcome("finished")), scenario(dsn=postgres())
    case = Case(got, expected, what, OF_UPSTREAMS, _no_replay)
    assert [rule(case) for rule in RULES_OF_UPSTREAMS] == [None] * 5


RULES_OF_UPSTREAMS = (
    upstreams.client_per_request,
    upstreams.client_not_closed,
    upstreams.unbounded_fan_out,
    upstreams.retry_without_limit,
    upstreams.retry_unsafe,
)


def _no_replay(_: Scenario) -> tuple[Trace, Trace]:
    raise AssertionError


def test_every_rule_of_upstreams_is_asked() -> None:
    assert set(RULES_OF_UPSTREAMS) <= set(RULES)


# The picture


def test_requests_are_drawn_by_method_and_path() -> None:
    async def work(client: Any) -> None:
        await client.get("/users")
        await outcome_of(client.get("/orders", timeout=1))

    trace = play(
        sharing(work), get("/"), base_url=upstream({"/users": reply(1), "/orders": reply(5)})
    )
    lanes = {
        lane.label: [(b.start, b.end, b.kind) for b in lane.bars] for lane in timeline(trace).lanes
    }
    assert lanes == {
        "GET /": [(0.0, 2.0, "request")],
        "  GET /users": [(0.0, 1.0, "done")],
        "  GET /orders": [(1.0, 2.0, "cancelled")],
    }


def test_a_crowd_of_requests_is_drawn_in_one_lane() -> None:
    async def work(client: Any) -> None:
        await asyncio.gather(*[client.get(f"/{number}") for number in range(7)])

    trace = play(sharing(work), get("/"), base_url=upstream({}))
    assert [lane.label for lane in timeline(trace).lanes] == ["GET /", "  base_url"]


# Aspects


def test_aspects_of_a_play_without_requests() -> None:
    trace = Trace(outcome=Outcome("finished"))
    assert requests_made.words(requests_made(trace)) == ("no request made",)
    assert most_in_flight.words(most_in_flight(trace)) == ("0 requests in flight at once",)
    assert connections_opened.words(connections_opened(trace)) == ("no connection opened",)


def test_refused_connections_are_not_opened() -> None:
    async def work(client: Any) -> None:
        for _ in range(2):
            await outcome_of(client.get("/"))

    trace = play(sharing(work), get("/"), base_url=upstream({}, refuses=1))
    assert connections_opened(trace) == (("base_url", 1),)
    assert most_in_flight(trace) == (1,)
