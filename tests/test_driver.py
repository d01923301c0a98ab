"""The driver: lifespan, requests at their moments, clients that leave, work after the answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

import pytest
from fastapi import BackgroundTasks, FastAPI, HTTPException, Request
from fastapi import Response as ServerResponse
from fastapi.responses import StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware

from grader import Exchange, Trace, get, play, post, request, scenario, times


def app_of(endpoint: Callable[..., Any], **options: Any) -> FastAPI:
    app = FastAPI(**options)
    app.api_route("/", methods=["GET", "POST", "HEAD"])(endpoint)
    return app


def only(trace: Trace) -> Exchange:
    """The one exchange of a play that went to its end."""
    assert trace.outcome.kind == "finished", trace.outcome
    (exchange,) = trace.exchanges
    return exchange


def seconds(moment: Any) -> float | None:
    return None if moment is None else moment.seconds


# Lifespan


def test_startup_goes_before_the_requests_and_shutdown_after_them() -> None:
    moments: list[tuple[str, float]] = []

    def note(what: str) -> None:
        moments.append((what, asyncio.get_running_loop().time()))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.sleep(3)
        note("open")
        yield
        note("closing")
        await asyncio.sleep(2)

    async def endpoint() -> None:
        note("request")
        await asyncio.sleep(1)

    trace = play(app_of(endpoint, lifespan=lifespan), get("/"), get("/", at=4))
    assert moments == [("open", 3.0), ("request", 3.0), ("request", 7.0), ("closing", 8.0)]
    assert trace.opened == 3_000_000
    assert trace.ended == 10_000_000
    assert [exchange.elapsed for exchange in trace.exchanges] == [1.0, 1.0]


def test_each_request_has_the_state_of_the_startup_to_itself() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield {"shared": [], "own": 0}

    async def endpoint(request: Request) -> list[int]:
        request.state.own += 1
        request.state.shared.append(1)
        return [request.state.own, len(request.state.shared)]

    trace = play(app_of(endpoint, lifespan=lifespan), get("/"), get("/", at=1))
    assert [exchange.json() for exchange in trace.exchanges] == [[1, 1], [1, 2]]


def test_no_request_is_sent_to_an_app_whose_startup_failed() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.sleep(1)
        raise ValueError("no database")
        yield

    trace = play(app_of(lambda: None, lifespan=lifespan), get("/"))
    assert trace.outcome.kind == "startup-failed"
    assert trace.outcome.failure is not None
    assert (trace.outcome.failure.type, trace.outcome.failure.text) == ("ValueError", "no database")
    assert trace.exchanges == ()
    (incident,) = trace.incidents
    assert (incident.kind, incident.at.seconds) == ("lifespan-failed", 1.0)
    assert incident.detail == "ValueError: no database"
    assert incident.line is not None


def test_a_shutdown_that_fails_is_an_incident() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        raise ValueError("still busy")

    trace = play(app_of(lambda: None, lifespan=lifespan), get("/"))
    assert trace.exchanges[0].status == 200
    assert [(i.kind, i.detail) for i in trace.incidents] == [
        ("lifespan-failed", "ValueError: still busy")
    ]


def test_an_app_may_refuse_the_lifespan() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    trace = play(app, get("/"))
    assert only(trace).status == 204
    assert trace.exchanges[0].elapsed == 0.0


def test_an_app_may_say_by_message_that_its_startup_failed() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "lifespan.startup"
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    trace = play(app, get("/"))
    assert trace.exchanges == ()
    assert [incident.kind for incident in trace.incidents] == ["lifespan-failed"]


def test_a_startup_that_never_ends_is_stuck() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    outcome = play(app_of(lambda: None, lifespan=lifespan), get("/")).outcome
    assert outcome.kind == "stuck"
    assert [waiting.what for waiting in outcome.waiting] == ["Event.wait"]


# Requests


def test_the_app_sees_the_request_as_it_was_written() -> None:
    async def endpoint(request: Request) -> dict[str, Any]:
        return {
            "method": request.method,
            "query": request.query_params.multi_items(),
            "header": request.headers["x-name"],
            "host": request.headers["host"],
            "body": (await request.body()).decode(),
            "length": request.headers["content-length"],
        }

    sent = post("/?a=1", query={"b": "x y"}, json=[1], headers={"X-Name": "Ada"})
    assert only(play(app_of(endpoint), sent)).json() == {
        "method": "POST",
        "query": [["a", "1"], ["b", "x y"]],
        "header": "Ada",
        "host": "testserver",
        "body": "[1]",
        "length": "3",
    }


def test_an_exchange_knows_where_its_endpoint_begins() -> None:
    """Also behind a middleware, and with a decorator of the user's own around it."""

    def logged(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        async def wrapper() -> Any:
            return await function()

        return wrapper

    @logged
    async def endpoint() -> None:
        pass

    app = app_of(endpoint)
    app.add_middleware(BaseHTTPMiddleware, dispatch=lambda request, call: call(request))
    found, missing = play(app, get("/"), get("/nowhere")).exchanges
    assert found.line == endpoint.__wrapped__.__code__.co_firstlineno
    assert missing.line is None


def test_a_path_may_hold_any_letters() -> None:
    app = FastAPI()

    @app.get("/of/{name}")
    async def endpoint(name: str) -> str:
        return name

    trace = play(app, get("/of/käse"), get("/of/a%20b"), get("/of/a/b"))
    assert [exchange.json() for exchange in trace.exchanges[:2]] == ["käse", "a b"]
    assert trace.exchanges[2].status == 404


def test_exchanges_come_in_the_order_of_the_requests() -> None:
    async def endpoint(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    trace = play(app_of(endpoint), *(get(f"/?seconds={s}", at=s % 2) for s in (3, 1, 2)))
    assert [exchange.number for exchange in trace.exchanges] == [0, 1, 2]
    assert [exchange.json() for exchange in trace.exchanges] == [3, 1, 2]
    assert [exchange.started.seconds for exchange in trace.exchanges] == [1, 1, 0]
    assert [seconds(exchange.completed) for exchange in trace.exchanges] == [4, 2, 2]


def test_a_request_that_is_due_while_the_loop_is_blocked_keeps_its_moment() -> None:
    async def endpoint(sleep: float) -> None:
        time.sleep(sleep)

    trace = play(app_of(endpoint), get("/?sleep=5"), get("/?sleep=0", at=1))
    assert trace.exchanges[1].started.seconds == 1.0
    assert trace.exchanges[1].elapsed == 4.0


def test_a_request_keeps_its_moment_also_before_anyone_else_is_served() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async def heartbeat() -> None:
            await asyncio.sleep(0.5)
            time.sleep(2)

        task = asyncio.create_task(heartbeat())
        yield
        await task

    async def endpoint() -> None: ...

    trace = play(app_of(endpoint, lifespan=lifespan), get("/", at=1))
    assert only(trace).started.seconds == 1.0
    assert only(trace).elapsed == 1.5


def test_a_seed_shuffles_requests_of_one_moment_and_repeats_its_order() -> None:
    def order_by(seed: int | None, at: float) -> list[int]:
        order: list[int] = []

        async def endpoint(number: int) -> None:
            order.append(number)

        requests = [get(f"/?number={n}", at=at) for n in range(8)]
        trace = play(app_of(endpoint), *requests, order_seed=seed)
        assert [exchange.number for exchange in trace.exchanges] == list(range(8))
        return order

    for at in (0, 1):
        assert order_by(None, at) == list(range(8))
        assert order_by(1, at) == order_by(1, at)
        assert sorted(order_by(1, at)) == list(range(8))
        assert len({tuple(order_by(seed, at)) for seed in range(4)}) > 1


def test_how_a_race_ends_is_up_to_the_seed() -> None:
    def left_by(seed: int | None) -> int:
        stock = {"left": 10}

        async def buy(slow: bool) -> None:
            left = stock["left"]
            await asyncio.sleep(1 if slow else 0)
            stock["left"] = left - 1

        play(app_of(buy), get("/?slow=1"), get("/?slow=0", at=1), order_seed=seed)
        return stock["left"]

    assert left_by(None) == left_by(None)
    assert {left_by(seed) for seed in range(8)} == {8, 9}


# Clients that leave


async def counting(request: Request) -> StreamingResponse:
    async def lines() -> AsyncIterator[str]:
        try:
            for number in range(5):
                await asyncio.sleep(1)
                yield f"{number}\n"
        finally:
            logging.getLogger("lines").info("closed")

    return StreamingResponse(lines())


def test_chunks_have_the_moment_at_which_they_were_sent() -> None:
    exchange = only(play(app_of(counting), get("/")))
    assert seconds(exchange.responded) == 0.0
    assert [(c.at.seconds, c.body) for c in exchange.chunks] == [
        (number + 1.0, f"{number}\n".encode()) for number in range(5)
    ]
    assert seconds(exchange.completed) == seconds(exchange.returned) == exchange.elapsed == 5.0
    assert exchange.text == "0\n1\n2\n3\n4\n"


def test_a_client_can_leave_at_a_moment() -> None:
    trace = play(app_of(counting), get("/", at=1, hangs_up_at=2.5))
    exchange = only(trace)
    assert seconds(exchange.hung_up) == 3.5
    assert exchange.text == "0\n1\n"
    assert exchange.completed is None
    assert exchange.elapsed is None
    assert seconds(exchange.returned) == 3.5
    assert [(log.message, log.at.seconds) for log in trace.logs] == [("closed", 3.5)]


def test_a_client_can_leave_when_it_has_so_many_lines() -> None:
    exchange = only(play(app_of(counting), get("/", hangs_up_after=3)))
    assert seconds(exchange.hung_up) == seconds(exchange.returned) == 3.0
    assert exchange.text == "0\n1\n2\n"


def test_a_client_that_has_everything_does_not_hang_up() -> None:
    trace = play(app_of(counting), get("/", hangs_up_at=5.5), get("/", hangs_up_after=6))
    assert [exchange.hung_up for exchange in trace.exchanges] == [None, None]
    assert [exchange.elapsed for exchange in trace.exchanges] == [5.0, 5.0]


def test_an_app_that_asks_is_told_that_the_client_has_left() -> None:
    async def endpoint(request: Request) -> list[float]:
        before = await request.is_disconnected()
        assert not before
        while not await request.is_disconnected():
            await asyncio.sleep(0.5)
        logging.getLogger("app").info("left")
        return []

    trace = play(app_of(endpoint), get("/", hangs_up_at=1.2))
    assert [log.at.seconds for log in trace.logs] == [1.5]


def test_what_is_sent_to_a_client_that_left_is_dropped() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200})
        for number in range(3):
            await send({"type": "http.response.body", "body": b"%d" % number, "more_body": True})
            await asyncio.sleep(1)
        await send({"type": "http.response.body"})

    exchange = only(play(app, get("/", hangs_up_at=1.5)))
    assert exchange.text == "01"
    assert exchange.completed is None
    assert seconds(exchange.returned) == 3.0
    assert exchange.raised is None


def test_the_server_can_cancel_a_call() -> None:
    async def endpoint() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(0.5)

    trace = play(app_of(endpoint), get("/", at=1, cancelled_at=2))
    exchange = only(trace)
    assert seconds(exchange.returned) == 3.5
    assert exchange.raised is not None
    assert exchange.raised.type == "CancelledError"
    assert exchange.status is None
    assert [(span.seconds, span.how) for span in trace.spans] == [(2.0, "cancelled"), (0.5, "done")]


# Work after the answer


def test_background_work_goes_on_after_the_answer_is_complete() -> None:
    async def endpoint(tasks: BackgroundTasks) -> str:
        tasks.add_task(asyncio.sleep, 2)
        tasks.add_task(time.sleep, 3)  # a plain function: in a thread, after the first
        await asyncio.sleep(1)
        return "accepted"

    exchange = only(play(app_of(endpoint), get("/")))
    assert exchange.elapsed == seconds(exchange.completed) == 1.0
    assert seconds(exchange.returned) == 6.0


def test_tasks_that_outlive_their_request_may_linger_as_long_as_the_scenario_says() -> None:
    kept: list[asyncio.Task[None]] = []

    async def endpoint() -> None:
        kept.append(asyncio.create_task(asyncio.sleep(5)))

    def ending(**options: float) -> tuple[float, str]:
        trace = play(app_of(endpoint), get("/"), **options)
        (span,) = [span for span in trace.spans if span.kind == "task"]
        return trace.ended / 1_000_000, span.how

    assert ending() == (5.0, "done")
    assert ending(drain=2) == (2.0, "open")
    assert ending(drain=0) == (0.0, "open")


def test_what_is_left_at_the_end_is_cancelled_and_not_destroyed() -> None:
    cancelled: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("work")
            raise

    kept: list[asyncio.Task[None]] = []

    async def endpoint() -> None:
        kept.append(asyncio.create_task(work()))

    assert play(app_of(endpoint), get("/"), drain=1).outcome.kind == "finished"
    assert cancelled == ["work"]
    assert kept[0].cancelled()


def test_work_in_a_thread_may_linger_too() -> None:
    def work() -> None:
        time.sleep(3)
        logging.getLogger("work").info("done")

    async def endpoint() -> None:
        asyncio.get_running_loop().run_in_executor(None, work)

    trace = play(app_of(endpoint), get("/"))
    assert [log.at.seconds for log in trace.logs] == [3.0]


# What goes wrong


def test_an_error_of_the_app_is_a_fact_of_its_exchange_alone() -> None:
    async def endpoint(fail: bool) -> str:
        await asyncio.sleep(1)
        if fail:
            raise ValueError("private")
        return "fine"

    failed, fine = play(app_of(endpoint), get("/?fail=1"), get("/?fail=0")).exchanges
    assert (failed.status, failed.text, failed.elapsed) == (500, "Internal Server Error", 1.0)
    assert failed.raised is not None
    assert (failed.raised.type, failed.raised.text) == ("ValueError", "private")
    assert failed.raised.bases[:2] == ("ValueError", "Exception")
    assert "raise ValueError" in failed.raised.traceback
    assert (fine.status, fine.json(), fine.raised) == (200, "fine", None)


def test_an_http_exception_is_an_answer_and_no_error() -> None:
    async def endpoint() -> None:
        raise HTTPException(404, "no such thing", headers={"X-Why": "gone"})

    exchange = only(play(app_of(endpoint), get("/")))
    assert (exchange.status, exchange.json()) == (404, {"detail": "no such thing"})
    assert exchange.header("X-Why") == "gone"
    assert exchange.raised is None


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), BaseExceptionGroup("", [KeyboardInterrupt()])]
)
def test_an_app_that_wants_to_exit_ends_only_its_call(error: BaseException) -> None:
    async def endpoint(fail: bool) -> None:
        if fail:
            raise error

    failed, fine = play(app_of(endpoint), get("/?fail=1"), get("/?fail=0", at=1)).exchanges
    assert failed.raised is not None
    assert failed.raised.type == type(error).__name__
    assert seconds(failed.returned) == 0.0
    assert fine.status == 200


def test_a_task_that_wants_to_exit_does_not_end_the_program_that_plays() -> None:
    async def leave() -> None:
        raise SystemExit(3)

    async def endpoint() -> None:
        await asyncio.wait([asyncio.create_task(leave())])

    trace = play(app_of(endpoint), get("/"))
    assert trace.outcome.kind == "process-died"


def start(**fields: Any) -> dict[str, Any]:
    return {"type": "http.response.start", "status": 200, **fields}


def body(**fields: Any) -> dict[str, Any]:
    return {"type": "http.response.body", **fields}


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ([body()], "RuntimeError"),
        ([start(), start()], "RuntimeError"),
        ([start(), body(), body()], "RuntimeError"),
        ([{"type": "http.response.start"}], "KeyError"),
        ([{}], "KeyError"),
        ([start(headers=[("a", "b")])], "AttributeError"),
        ([start(), body(body="text")], "TypeError"),
    ],
)
def test_misuse_of_asgi_is_an_error_of_the_app(messages: list[Any], error: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        for message in messages:
            await send(message)

    raised = only(play(app, get("/"))).raised
    assert raised is not None
    assert raised.type == error


def test_an_app_that_answers_nothing_has_no_status() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await asyncio.sleep(1)

    exchange = only(play(app, get("/")))
    assert (exchange.status, exchange.elapsed, exchange.body) == (None, None, b"")
    assert seconds(exchange.returned) == 1.0


def sends(*messages: Any) -> Any:
    """An app that answers each request with these messages."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        for message in messages:
            await send(message)

    return app


def refusal_of(*messages: Any, method: str = "GET") -> str:
    raised = only(play(sends(*messages), request(method, "/"))).raised
    return raised.text if raised is not None else ""


def test_a_message_that_uvicorn_refuses_is_refused() -> None:
    debug = {"type": "http.response.debug", "info": {}}
    assert refusal_of(debug) == (
        "Expected ASGI message 'http.response.start', but got 'http.response.debug'."
    )
    assert refusal_of(start(), debug) == (
        "Expected ASGI message 'http.response.body', but got 'http.response.debug'."
    )
    assert refusal_of(start(), body(), debug) == (
        "Unexpected ASGI message 'http.response.debug' sent, after response already completed."
    )


def test_a_body_must_have_the_length_that_was_announced() -> None:
    three = start(headers=[(b"Content-Length", b"3")])
    assert refusal_of(three, body(body=b"abc")) == ""
    assert refusal_of(three, body(body=b"a", more_body=True), body(body=b"bc")) == ""
    assert refusal_of(three, body(body=b"abcd")) == "Response content longer than Content-Length"
    assert refusal_of(three, body(body=b"ab")) == "Response content shorter than Content-Length"
    assert refusal_of(start(status=204), body(body=b"x")) == (
        "Response content longer than Content-Length"
    )


def test_the_answer_to_head_has_headers_and_no_body() -> None:
    three = start(headers=[(b"content-length", b"3")])
    exchange = only(play(sends(three, body(body=b"abc")), request("HEAD", "/")))
    assert (exchange.header("content-length"), exchange.body) == ("3", b"")
    assert exchange.completed is not None


def test_trailers_that_were_announced_are_kept() -> None:
    trailers = {"type": "http.response.trailers", "headers": [(b"X-Sum", b"1"), (b"x-sum", b"2")]}
    exchange = only(play(sends(start(trailers=True), body(), trailers), get("/")))
    assert exchange.raised is None
    assert exchange.trailers == (("x-sum", "1"), ("x-sum", "2"))
    assert refusal_of(start(), body(), trailers).startswith("Unexpected ASGI message")


def test_a_header_that_is_repeated_arrives_as_often_and_in_order() -> None:
    """As a list of pairs; and what every client sends is sent once."""

    async def endpoint(request: Request) -> list[Any]:
        return request.headers.items()

    pairs = [("X-For", "1.1.1.1"), ("Host", "a.example"), ("x-for", "2.2.2.2"), ("a", "ä")]
    assert only(play(app_of(endpoint), get("/", headers=pairs))).json() == [
        [name.lower(), value] for name, value in pairs
    ]
    assert only(play(app_of(endpoint), get("/", headers={"a": "b"}))).json() == [
        ["host", "testserver"],
        ["a", "b"],
    ]


def test_headers_of_an_answer_that_are_repeated_are_kept() -> None:
    async def endpoint(response: ServerResponse) -> None:
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")

    exchange = only(play(app_of(endpoint), get("/")))
    cookies = [value for name, value in exchange.headers if name == "set-cookie"]
    assert [cookie.partition(";")[0] for cookie in cookies] == ["a=1", "b=2"]


def test_a_middleware_does_not_hold_back_the_answer() -> None:
    async def passed_on(request: Request, call_next: Any) -> Any:
        response = await call_next(request)
        response.headers["x-seen"] = "1"
        return response

    app = app_of(counting)
    app.add_middleware(BaseHTTPMiddleware, dispatch=passed_on)
    exchange = only(play(app, get("/")))
    assert exchange.header("x-seen") == "1"
    assert [chunk.at.seconds for chunk in exchange.chunks] == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_head_request_has_its_method() -> None:
    async def endpoint(request: Request) -> str:
        return request.method

    assert only(play(app_of(endpoint), request("head", "/"))).method == "HEAD"


# How a play ends


def test_a_deadlock_ends_with_what_everyone_waits_for() -> None:
    async def endpoint(request: Request) -> None:
        async with lock:
            await asyncio.sleep(1)
            async with lock:
                pass

    lock = asyncio.Lock()
    trace = play(app_of(endpoint), get("/"), get("/", at=5))
    assert trace.outcome.kind == "stuck"
    assert trace.ended == 5_000_000
    assert {waiting.what for waiting in trace.outcome.waiting} == {"Lock.acquire"}
    assert [waiting.exchange for waiting in trace.outcome.waiting] == [0, 1]
    first, second = [waiting.line for waiting in trace.outcome.waiting]
    assert first is not None
    assert second == first - 2
    assert trace.outcome.line == first


def test_a_request_without_end_runs_away_at_the_time_limit() -> None:
    async def endpoint() -> None:
        while True:
            await asyncio.sleep(1)

    trace = play(app_of(endpoint), scenario(get("/"), time_limit=30))
    assert trace.outcome.kind == "ran-away"
    assert trace.ended == 30_000_000
    assert trace.outcome.line is not None
    assert trace.exchanges[0].returned is None


def test_a_blocking_heartbeat_runs_away_too() -> None:
    async def endpoint() -> None:
        while True:
            time.sleep(1)
            await asyncio.sleep(0)

    assert play(app_of(endpoint), scenario(get("/"), time_limit=30)).outcome.kind == "ran-away"


def test_spinning_runs_away() -> None:
    async def endpoint() -> None:
        while True:
            await asyncio.sleep(0)

    assert play(app_of(endpoint), get("/")).outcome.kind == "ran-away"


def test_nothing_to_do_is_a_play_as_well() -> None:
    async def endpoint() -> None: ...

    trace = play(app_of(endpoint))
    assert trace.outcome.kind == "finished"
    assert (trace.exchanges, trace.ended) == ((), 0)


def test_a_thousand_requests_at_once_are_all_answered() -> None:
    async def endpoint() -> None:
        await asyncio.sleep(1)

    trace = play(app_of(endpoint), times(1_000, get("/")))
    assert {exchange.elapsed for exchange in trace.exchanges} == {1.0}
    assert trace.ended == 1_000_000
