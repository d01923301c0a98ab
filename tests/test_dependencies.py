"""What FastAPI does around an endpoint: its dependencies, validation and exception handlers."""

from __future__ import annotations

import asyncio
import functools
import sys
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import anyio
import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Security, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import APIKeyHeader, SecurityScopes
from pydantic import AfterValidator

from grader import get, play, post, run, session, takes, websocket
from grader.judge.aspects.dependencies import (
    cleanup_times,
    cleanups,
    dependencies,
    dependency_order,
    handled,
    validation_errors,
)
from grader.model.trace import AROUND, Trace
from grader.render.timeline import timeline

SOURCE = Path(__file__).read_text("utf-8").splitlines()

JSON = {"content-type": "application/json"}

Row = tuple[str, str, float, float, str]


def rows_of(trace: Trace) -> list[Row]:
    """Kind, name, from, to and end of what happened around endpoints, in order of starting."""
    return [
        (span.kind, span.name, span.start.seconds, span.end.seconds, span.how)
        for span in trace.spans
        if span.kind in AROUND
    ]


def app_with(*needed: Callable[..., Any]) -> FastAPI:
    app = FastAPI()

    @app.get("/", dependencies=[Depends(one) for one in needed])
    async def endpoint() -> str:
        return "done"

    return app


# Kinds of dependencies


async def waits() -> None:
    await asyncio.sleep(1)


def sleeps() -> None:
    time.sleep(1)


async def opens() -> AsyncIterator[None]:
    await asyncio.sleep(1)
    yield
    await asyncio.sleep(2)


def opens_in_thread() -> Iterator[None]:
    time.sleep(1)
    yield
    time.sleep(2)


class Paging:
    def __init__(self, page: int = 1) -> None:
        time.sleep(1)


class Checker:
    async def __call__(self) -> None:
        await asyncio.sleep(1)

    async def check(self) -> None:
        await asyncio.sleep(1)


@pytest.mark.parametrize(
    ("call", "name", "marked"),
    [
        (waits, "waits", "async def waits() -> None:"),
        (sleeps, "sleeps", "def sleeps() -> None:"),
        (Paging, "Paging", "    def __init__(self, page: int = 1) -> None:"),
        (Checker(), "Checker", "    async def __call__(self) -> None:"),
        (Checker().check, "Checker.check", "    async def check(self) -> None:"),
        (functools.partial(waits), "waits", "async def waits() -> None:"),
    ],
)
def test_a_dependency_is_a_span_with_its_name_and_line(call: Any, name: str, marked: str) -> None:
    trace = play(app_with(call), get("/", at=1))
    assert rows_of(trace) == [("dependency", name, 1, 2, "done")]
    [span] = [span for span in trace.spans if span.kind == "dependency"]
    assert (span.line, span.exchange) == (SOURCE.index(marked) + 1, 0)


@pytest.mark.parametrize("call", [opens, opens_in_thread])
def test_what_follows_a_yield_is_a_span_of_its_own(call: Any) -> None:
    trace = play(app_with(call), get("/"))
    assert rows_of(trace) == [
        ("dependency", call.__name__, 0, 1, "done"),
        ("cleanup", call.__name__, 1, 3, "done"),
    ]
    assert cleanups(trace) == ((call.__name__, "after the answer", "done"),)
    assert cleanup_times(trace) == ((call.__name__, 1_000_000, 3_000_000, "done"),)


def test_a_dependency_of_function_scope_is_cleaned_up_before_the_answer() -> None:
    app = FastAPI()

    @app.get("/")
    async def endpoint(needed: Annotated[None, Depends(opens, scope="function")]) -> None:
        pass

    trace = play(app, get("/"))
    assert cleanups(trace) == (("opens", "before the answer", "done"),)
    assert trace.exchanges[0].elapsed == 3


def test_a_dependency_of_a_library_has_no_line() -> None:
    trace = play(app_with(APIKeyHeader(name="x-key", auto_error=False)), get("/"))
    [span] = [span for span in trace.spans if span.kind == "dependency"]
    assert (span.name, span.line) == ("APIKeyHeader", None)


# Which are solved, and when


async def inner() -> None:
    await asyncio.sleep(1)


async def outer(needed: Annotated[None, Depends(inner)]) -> AsyncIterator[None]:
    await asyncio.sleep(1)
    yield
    await asyncio.sleep(1)


async def other(needed: Annotated[None, Depends(inner)]) -> AsyncIterator[None]:
    yield


def test_each_is_solved_once_and_the_last_is_cleaned_up_first() -> None:
    trace = play(app_with(outer, other), get("/"))
    order = ("inner", "outer", "other", "other after its yield", "outer after its yield")
    assert dependency_order(trace) == (order,)
    assert dependencies(trace) == (
        ("inner", 0, 1_000_000, "done"),
        ("outer", 1_000_000, 2_000_000, "done"),
        ("other", 2_000_000, 2_000_000, "done"),
    )


def test_one_that_is_not_remembered_is_solved_again() -> None:
    app = FastAPI()

    @app.get("/")
    async def endpoint(
        one: Annotated[None, Depends(inner)],
        two: Annotated[None, Depends(inner, use_cache=False)],
    ) -> None:
        pass

    assert dependency_order(play(app, get("/"))) == (("inner", "inner"),)


def test_overridden_dependencies_are_looked_up_by_what_they_are() -> None:
    async def stand_in() -> None:
        await asyncio.sleep(3)

    trace = play(app_with(waits, sleeps), get("/"), overrides={waits: stand_in})
    assert [row[1:4] for row in rows_of(trace)] == [("stand_in", 0, 3), ("sleeps", 3, 4)]


async def user(scopes: SecurityScopes) -> list[str]:
    return scopes.scopes


def test_scopes_are_those_of_each_place() -> None:
    app = FastAPI()

    @app.get("/")
    async def endpoint(
        one: Annotated[list[str], Security(user, scopes=["read"])],
        two: Annotated[list[str], Security(user, scopes=["write"])],
    ) -> list[list[str]]:
        return [one, two]

    trace = play(app, get("/"))
    assert trace.exchanges[0].json() == [["read"], ["write"]]
    assert dependency_order(trace) == (("user", "user"),)


def test_each_request_and_each_kind_of_route_has_its_own() -> None:
    mounted, router = app_with(waits), APIRouter(prefix="/api", dependencies=[Depends(sleeps)])

    @router.get("/")
    async def listed() -> None:
        pass

    @router.websocket("/feed")
    async def feed(socket: WebSocket, needed: Annotated[None, Depends(waits)]) -> None:
        await socket.accept()
        await socket.close()

    app = FastAPI()
    app.mount("/other", mounted)
    app.include_router(router)
    trace = play(app, get("/other/"), get("/api/", at=0.5), websocket("/api/feed", at=3))
    seen = [(s.exchange, s.name, s.start.seconds) for s in trace.spans if s.kind == "dependency"]
    assert seen == [(0, "waits", 0), (1, "sleeps", 0.5), (2, "sleeps", 3), (2, "waits", 4)]


def test_an_app_that_is_called_within_a_dependency_does_not_end_it() -> None:
    within = app_with(inner)

    async def asks() -> None:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(within), base_url="http://within"
        ) as client:
            await client.get("/")
        await asyncio.sleep(1)

    assert rows_of(play(app_with(asks), get("/"))) == [
        ("dependency", "asks", 0, 2, "done"),
        ("dependency", "inner", 0, 1, "done"),
    ]


def test_a_session_has_the_same_spans() -> None:
    async def test() -> list[Row]:
        async with session(app_with(opens)) as client:
            await client.get("/")
            await asyncio.sleep(3)
            return rows_of(client.trace)

    assert [row[:4] for row in run(test())] == [
        ("dependency", "opens", 0, 1),
        ("cleanup", "opens", 1, 3),
    ]


# Ends


async def fails() -> None:
    await asyncio.sleep(1)
    raise HTTPException(401)


async def fails_to_open() -> AsyncIterator[None]:
    await asyncio.sleep(1)
    raise OSError
    yield


def test_one_that_fails_is_the_last_that_is_solved() -> None:
    trace = play(app_with(opens, fails, waits), get("/"))
    assert rows_of(trace) == [
        ("dependency", "opens", 0, 1, "done"),
        ("dependency", "fails", 1, 2, "failed"),
        ("cleanup", "opens", 2, 2, "done"),
    ]


def test_one_that_fails_before_its_yield_is_not_cleaned_up() -> None:
    assert rows_of(play(app_with(fails_to_open), get("/"))) == [
        ("dependency", "fails_to_open", 0, 1, "failed")
    ]


def test_an_error_after_a_yield_is_of_the_clean_up() -> None:
    async def breaks() -> AsyncIterator[None]:
        yield
        await asyncio.sleep(1)
        raise OSError

    trace = play(app_with(opens, breaks), get("/"))
    assert rows_of(trace)[2:] == [
        ("cleanup", "breaks", 1, 2, "failed"),
        ("cleanup", "opens", 2, 2, "done"),
    ]


def test_a_client_that_is_cut_off_cancels_what_is_being_solved() -> None:
    trace = play(app_with(waits), get("/", cancelled_at=0.5))
    assert rows_of(trace) == [("dependency", "waits", 0, 0.5, "cancelled")]


def test_one_that_never_ends_is_open() -> None:
    async def waits_for_ever() -> None:
        await asyncio.Event().wait()

    [row] = rows_of(play(app_with(waits_for_ever), get("/")))
    assert (row[0], row[4]) == ("dependency", "open")


# Validation


async def sized(size: int = 10) -> int:
    return size


def paged() -> FastAPI:
    app = FastAPI()

    @app.post("/")
    async def endpoint(page: int, of: Annotated[int, Depends(sized)], name: dict[str, str]) -> None:
        pass

    return app


@pytest.mark.parametrize(
    ("request_", "errors"),
    [
        (post("/?page=1", json={}), ()),
        (post("/?page=x", json={}), ("query.page: int_parsing",)),
        (post("/?size=x&page=1", json={}), ("query.size: int_parsing",)),
        (post("/?size=x", json={}), ("query.size: int_parsing", "query.page: missing")),
        (post("/?page=x", json=1), ("query.page: int_parsing", "body: dict_type")),
        (post("/?page=1", body=b"{", headers=JSON), ("body.1: json_invalid",)),
    ],
)
def test_validation_says_where_a_request_is_wrong_and_in_what(
    request_: Any, errors: tuple[str, ...]
) -> None:
    trace = play(paged(), request_)
    assert validation_errors(trace) == (errors,)
    assert trace.exchanges[0].status == (422 if errors else 200)


def slow(value: int) -> int:
    time.sleep(2)
    return value


def test_validation_that_takes_time_shows_that() -> None:
    app = FastAPI()

    @app.get("/")
    async def endpoint(page: Annotated[int, AfterValidator(slow)]) -> None:
        pass

    trace = play(app, get("/?page=2"))
    assert [row[0] for row in rows_of(trace)] == ["validation"]
    assert rows_of(trace)[0][2:] == (0, 2, "done")


# Exception handlers


class OutOfStock(Exception):
    pass


def handling(handler: Any, error: Any = OutOfStock, raises: Any = OutOfStock) -> FastAPI:
    app = FastAPI(exception_handlers={error: handler})

    @app.get("/")
    async def endpoint() -> None:
        await asyncio.sleep(1)
        raise raises

    return app


async def answers(request: Request, error: Exception) -> JSONResponse:
    await asyncio.sleep(2)
    return JSONResponse({}, 409)


def answers_in_thread(request: Request, error: Exception) -> JSONResponse:
    time.sleep(2)
    return JSONResponse({}, 409)


class Answering:
    async def __call__(self, request: Request, error: Exception) -> JSONResponse:
        return await answers(request, error)

    async def method(self, request: Request, error: Exception) -> JSONResponse:
        return await answers(request, error)


@pytest.mark.parametrize(
    ("handler", "name"),
    [
        (answers, "answers"),
        (answers_in_thread, "answers_in_thread"),
        (functools.partial(answers), "answers"),
        (Answering(), "Answering"),
        (Answering().method, "Answering.method"),
    ],
)
@pytest.mark.parametrize(
    ("error", "raises"),
    [(OutOfStock, OutOfStock), (409, HTTPException(409)), (Exception, OSError), (500, OSError)],
)
def test_an_exception_handler_is_a_span(handler: Any, name: str, error: Any, raises: Any) -> None:
    trace = play(handling(handler, error, raises), get("/"))
    assert rows_of(trace) == [("handler", name, 1, 3, "done")]
    assert trace.exchanges[0].status == 409
    kind = raises if isinstance(raises, type) else type(raises)
    assert handled(trace) == ((kind.__name__, "done"),)


def test_a_handler_of_fastapis_own_is_no_span() -> None:
    assert rows_of(play(app_with(fails), get("/")))[-1][0] == "dependency"


def test_a_handler_can_fail_and_can_be_cancelled() -> None:
    async def breaks(request: Request, error: Exception) -> None:
        await asyncio.sleep(1)
        raise OSError

    failed = play(handling(breaks), get("/"))
    assert rows_of(failed) == [("handler", "breaks", 1, 2, "failed")]
    cancelled = play(handling(answers), get("/", cancelled_at=2))
    assert rows_of(cancelled) == [("handler", "answers", 1, 2, "cancelled")]


def test_a_handler_that_cannot_be_called_fails_as_without_a_play() -> None:
    async def takes_one(error: Exception) -> None:
        pass

    trace = play(handling(takes_one), get("/"))
    raised = trace.exchanges[0].raised
    assert raised is not None
    assert "takes 1 positional argument but 2 were given" in raised.text
    assert "driver/handlers.py" not in raised.traceback


# Nothing of it is seen from inside


async def without_a_play(app: Any) -> bytes:
    """The body of the answer, on an ordinary loop."""
    body = b""

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal body
        body += message.get("body", b"")

    scope = {
        "type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"page=2",
        "headers": [], "root_path": "", "scheme": "http", "http_version": "1.1",
    }  # fmt: skip
    await app(scope, receive, send)
    return body


def breaks_in_thread() -> None:
    raise OutOfStock


async def breaks() -> None:
    raise OutOfStock


async def breaks_before_yield() -> AsyncIterator[None]:
    raise OutOfStock
    yield


def breaks_in_thread_before_yield() -> Iterator[None]:
    raise OutOfStock
    yield


async def breaks_after_yield() -> AsyncIterator[None]:
    yield
    raise OutOfStock


async def has_broken_parameter(page: Annotated[int, Depends(breaks)]) -> None:
    pass


async def sees_error() -> AsyncIterator[None]:
    try:
        yield
    except OutOfStock as error:
        error.add_note(traceback.format_exc())
        raise


@pytest.mark.parametrize(
    "call",
    [
        breaks,
        breaks_in_thread,
        breaks_before_yield,
        breaks_in_thread_before_yield,
        has_broken_parameter,
        functools.partial(breaks),
    ],
)
def test_tracebacks_are_those_of_an_app_that_is_not_played(call: Any) -> None:
    async def shows(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse(traceback.format_exc().splitlines())

    app = app_with(sees_error, call)
    app.add_exception_handler(OutOfStock, shows)
    trace = play(app, get("/?page=2"))
    assert trace.exchanges[0].body == anyio.run(without_a_play, app)


def checks(value: int) -> int:
    raise OutOfStock


@pytest.mark.parametrize("call", [breaks_after_yield, breaks, breaks_in_thread])
def test_what_a_middleware_sees_is_the_same_as_without_a_play(call: Any) -> None:
    seen: list[str] = []
    app = app_with(sees_error, call)

    async def outermost(scope: Any, receive: Any, send: Any) -> None:
        try:
            await app(scope, receive, send)
        except OutOfStock:
            seen.append(traceback.format_exc())
            raise

    play(outermost, get("/?page=2"))
    with pytest.raises(OutOfStock):
        anyio.run(without_a_play, outermost)
    played, plain = seen
    assert played == plain


async def streams() -> AsyncIterator[str]:
    await asyncio.sleep(1)
    yield "a line"
    await asyncio.sleep(1)


def test_a_stream_keeps_its_dependencies_open_to_its_end() -> None:
    app = FastAPI()

    @app.get("/")
    async def endpoint(
        one: Annotated[None, Depends(opens)],
        two: Annotated[None, Depends(other, scope="function")],
    ) -> StreamingResponse:
        return StreamingResponse(streams())

    trace = play(app, get("/"))
    assert cleanups(trace) == (
        ("other", "before the answer", "done"),
        ("opens", "after the answer", "done"),
    )


def test_who_waits_for_a_turn_is_being_solved() -> None:
    app = FastAPI()

    @app.get("/")
    async def endpoint(needed: Annotated[None, Depends(waits, max_concurrency=1)]) -> None:
        pass

    trace = play(app, get("/"), get("/"))
    assert [row[2:4] for row in rows_of(trace)] == [(0, 1), (0, 2)]


def test_an_error_in_a_validator_has_no_line_of_the_plays() -> None:
    app = FastAPI()

    @app.get("/")
    async def endpoint(page: Annotated[int, AfterValidator(checks)]) -> None:
        pass

    async def shows(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse(traceback.format_exc().splitlines())

    app.add_exception_handler(OutOfStock, shows)
    assert play(app, get("/?page=2")).exchanges[0].body == anyio.run(without_a_play, app)


def test_all_that_is_watched_is_put_back() -> None:
    names = [
        "fastapi.routing",
        "fastapi.dependencies.utils",
        "starlette.routing",
        "starlette._exception_handler",
        "starlette.middleware.errors",
        "starlette.middleware.exceptions",
    ]
    handler = vars(sys.modules["starlette.middleware.errors"].ServerErrorMiddleware).copy()
    before = {name: vars(sys.modules[name]).copy() for name in names}
    play(app_with(opens, fails), get("/"))
    assert {name: vars(sys.modules[name]) for name in names} == before
    assert vars(sys.modules["starlette.middleware.errors"].ServerErrorMiddleware) == handler


# Pictures


def test_a_picture_has_lanes_for_what_takes_time() -> None:
    def labels(*needed: Callable[..., Any]) -> list[str]:
        picture = timeline(play(app_with(*needed), get("/")))
        return [row.label.strip() for row in picture.lanes]

    assert labels(opens, other)[:4] == ["GET /", "opens", "inner", "opens after its yield"]
    assert "other" not in labels(other)


def test_a_dependency_that_is_one_call_has_no_lane_beside_it() -> None:
    def shop(fetch: Callable[[], Any]) -> FastAPI:
        async def user() -> Any:
            return await fetch()

        return app_with(user)

    picture = timeline(play(shop, get("/"), fetch=takes(1)))
    assert [row.label.strip() for row in picture.lanes] == ["GET /", "fetch"]
