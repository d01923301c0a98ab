"""What an app can be sent: forms, files, bodies in pieces, clients that read slowly."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest
from fastapi import Cookie, FastAPI, File, Form, HTTPException, Request, Response, UploadFile
from fastapi.responses import StreamingResponse

from grader import client, delete, get, head, options, patch, play, post, put, scenario
from grader.model.errors import UsageError
from grader.model.scenarios import Scenario
from grader.model.trace import Exchange, encode


def only(app: Any, *requests: Any, **settings: Any) -> Exchange:
    trace = play(app, scenario(*requests, **settings))
    assert trace.outcome.kind == "finished", trace.outcome
    return trace.exchanges[0]


# What is sent


def test_forms_files_and_cookies_arrive() -> None:
    app = FastAPI()

    @app.post("/form")
    async def form(name: Annotated[str, Form()], tag: Annotated[list[str], Form()]) -> Any:
        return [name, tag]

    @app.post("/files")
    async def files(name: Annotated[str, Form()], photo: Annotated[UploadFile, File()]) -> Any:
        return [name, photo.filename, photo.content_type, (await photo.read()).decode("latin-1")]

    @app.get("/cookies")
    async def cookies(a: Annotated[str, Cookie()], b: Annotated[str, Cookie()]) -> Any:
        return [a, b]

    form_ = post("/form", data={"name": "a b&c", "tag": ["x", "y"]})
    file = {"photo": ("me.png", b"\x00\r\n--\xff", "image/png")}
    assert only(app, form_).json() == ["a b&c", ["x", "y"]]
    assert only(app, post("/files", data={"name": "ada"}, files=file)).json() == [
        "ada",
        "me.png",
        "image/png",
        "\x00\r\n--\xff",
    ]
    assert only(app, get("/cookies", cookies={"a": "1", "b": "2"})).json() == ["1", "2"]


@pytest.mark.parametrize("make", [get, post, put, patch, delete, head, options])
def test_each_method_has_its_word(make: Any) -> None:
    app = FastAPI()

    @app.api_route("/", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
    async def which(request: Request) -> Any:
        return Response(headers={"x-method": request.method})

    assert only(app, make("/")).header("x-method") == make.__name__.upper()


def test_scope_tells_of_the_connection() -> None:
    app = FastAPI()

    @app.get("/where")
    async def where(request: Request) -> Any:
        assert request.client is not None
        return [str(request.url), request.client.host, request.scope["root_path"]]

    asked = get(
        "/where",
        scheme="https",
        server=("shop.example", 443),
        address=("10.0.0.7", 4711),
        root_path="/api",
    )
    assert only(app, asked).json() == ["https://shop.example/api/where", "10.0.0.7", "/api"]


# Bodies in pieces


def sizes() -> FastAPI:
    app = FastAPI()

    @app.post("/pieces")
    async def pieces(request: Request) -> Any:
        seen = []
        async for piece in request.stream():
            if piece:
                seen.append([len(piece), asyncio.get_running_loop().time()])
                if sum(size for size, _ in seen) > 10:
                    raise HTTPException(413)
        return seen

    @app.post("/whole")
    async def whole(request: Request) -> Any:
        return [len(await request.body()), request.headers.get("transfer-encoding")]

    return app


def test_pieces_come_at_their_moments() -> None:
    exchange = only(sizes(), post("/pieces", pieces=[b"ab", b"c", b"d"], every=2))
    assert exchange.json() == [[2, 0.0], [1, 2.0], [1, 4.0]]
    assert exchange.elapsed == 4.0


def test_whole_body_is_there_when_the_last_piece_is() -> None:
    exchange = only(sizes(), post("/whole", pieces=[b"ab", b"c"], every=3))
    assert (exchange.json(), exchange.elapsed) == ([3, "chunked"], 3.0)


def test_app_can_answer_before_the_client_is_done() -> None:
    exchange = only(sizes(), post("/pieces", pieces=[b"x" * 6] * 5, every=1))
    assert (exchange.status, exchange.elapsed) == (413, 1.0)


def test_client_can_leave_while_it_sends() -> None:
    exchange = only(sizes(), post("/pieces", pieces=[b"x"] * 9, every=1, hangs_up_at=2.5))
    assert exchange.status is None
    assert exchange.raised is not None
    assert exchange.raised.type == "ClientDisconnect"


# Clients that read slowly


def flood() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def stream() -> StreamingResponse:
        async def pieces() -> Any:
            for _ in range(4):
                yield b"x" * 1000

        return StreamingResponse(pieces())

    return app


def test_slow_client_makes_the_app_wait() -> None:
    exchange = only(flood(), get("/", reads=500, buffer=1500))
    # 2,000 bytes go at once; the buffer is down to a quarter after 3.25 s.
    assert [chunk.at.seconds for chunk in exchange.chunks] == [0.0, 0.0, 3.25, 3.25]


def test_client_that_reads_nothing_and_leaves_lets_the_app_go_on() -> None:
    exchange = only(flood(), get("/", reads=0, buffer=1500, hangs_up_at=9))
    assert len(exchange.chunks) == 2
    assert exchange.returned is not None
    assert exchange.returned.seconds == 9.0


def test_what_a_leaving_client_does_not_read_fills_the_buffer_once() -> None:
    app = FastAPI()

    @app.get("/")
    async def stream() -> StreamingResponse:
        async def lines() -> Any:
            for _ in range(20):
                yield b"x" * 999 + b"\n"

        return StreamingResponse(lines())

    exchange = only(app, get("/", hangs_up_after=1, buffer=10_000))
    assert len(exchange.chunks) == 11  # the last of them is more than the buffer holds


# Clients that send in turn


def shop() -> FastAPI:
    app = FastAPI()

    @app.post("/login")
    async def login(response: Response, name: Annotated[str, Form()]) -> Any:
        await asyncio.sleep(1)
        response.set_cookie("session", f"s-{name}")
        response.headers["location"] = f"/users/{name}"
        return {"token": f"t-{name}", "ids": [7, 8], "nested": {"a.b": True}}

    @app.get("/users/{name}")
    async def user(name: str, request: Request, q: str = "") -> Any:
        auth = request.headers.get("authorization")
        return [name, auth, request.cookies.get("session"), q]

    @app.post("/echo")
    async def echo(body: dict[str, Any]) -> Any:
        return body

    @app.post("/logout")
    async def logout(response: Response) -> None:
        response.delete_cookie("session")

    return app


def test_client_sends_in_turn_and_keeps_cookies() -> None:
    trace = play(
        shop(),
        client(
            "ada",
            login := post("/login", data={"name": "ada"}),
            get(
                f"{login.header['location']}",
                headers={"Authorization": f"Bearer {login.json['token']}"},
                query={"q": login.json["ids"][1]},
                at=0.5,
            ),
            post("/logout"),
            get("/users/ada"),
        ),
        client("bob", post("/login", data={"name": "bob"}), get("/users/bob")),
    )
    answers = [exchange.json() for exchange in trace.exchanges]
    assert answers[1] == ["ada", "Bearer t-ada", "s-ada", "8"]
    assert answers[3] == ["ada", None, None, ""]
    assert answers[5] == ["bob", None, "s-bob", ""]
    assert [exchange.started.seconds for exchange in trace.exchanges] == [0, 1.5, 1.5, 1.5, 0, 1.0]


def test_parts_keep_their_types_in_json() -> None:
    trace = play(
        shop(),
        client(
            "ada",
            login := post("/login", data={"name": "ada"}),
            post(
                "/echo",
                json={
                    "ids": login.json["ids"],
                    "flag": login.json["nested"]["a.b"],
                    "text": f"id {login.json['ids'][0]}!",
                    "last": login.json["ids"][-1],
                    "beyond": login.json["ids"][-3],
                    "none": login.json["nowhere"]["at all"],
                },
            ),
        ),
    )
    assert trace.exchanges[1].json() == {
        "ids": [7, 8],
        "flag": True,
        "text": "id 7!",
        "last": 8,
        "beyond": None,
        "none": None,
    }


def test_part_of_an_answer_that_is_not_there_yet_is_refused() -> None:
    other = post("/login", data={"name": "ada"})
    with pytest.raises(UsageError, match="/me holds a part of an answer that comes later"):
        client("ada", get("/me", query={"token": other.json["token"]}), other)


def test_a_client_with_a_number_for_a_name_sends_only_its_own_requests() -> None:
    trace = play(slow(), scenario(client("1", get("/5")), get("/5")))
    assert [exchange.started.seconds for exchange in trace.exchanges] == [0.0, 0.0]


# The server stops


def slow() -> FastAPI:
    app = FastAPI()

    @app.get("/{seconds}")
    async def wait(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    return app


def test_server_that_stops_finishes_what_is_open_and_takes_nothing_new() -> None:
    trace = play(slow(), scenario(get("/5"), get("/1", at=3), stops_at=2))
    first, second = trace.exchanges
    assert (first.status, first.elapsed) == (200, 5.0)
    assert (second.status, second.refused is not None) == (None, True)
    assert trace.ended == 5_000_000


def test_what_is_open_after_the_grace_period_is_cancelled() -> None:
    trace = play(slow(), scenario(get("/50"), stops_at=2, grace=3))
    exchange = trace.exchanges[0]
    assert exchange.raised is not None
    assert exchange.raised.type == "CancelledError"
    assert exchange.returned is not None
    assert exchange.returned.seconds == 5.0


# Data


def test_scenario_with_all_of_it_is_json() -> None:
    import msgspec

    whole = scenario(
        client("ada", login := post("/login", json={}), get("/", query={"t": login.json["t"]})),
        post("/", pieces=[b"a", b"\xff"], every=1, reads=2.5, address=("::1", 1)),
        stops_at=3,
        grace=1,
    )
    assert msgspec.json.decode(encode(whole), type=Scenario) == whole


def test_nonsense_is_refused_when_it_is_made() -> None:
    with pytest.raises(UsageError, match="json and body are given"):
        post("/", json={}, body=b"x")
    with pytest.raises(UsageError, match="a request has no 'after'"):
        get("/", after=3)
    with pytest.raises(UsageError, match="reads=-1"):
        get("/", reads=-1)
    with pytest.raises(UsageError, match="every=-1"):
        post("/", pieces=[b"a"], every=-1)
    with pytest.raises(UsageError, match="has no JSON form"):
        post("/", json={"a": object()})
    with pytest.raises(UsageError, match="stops_at=-1"):
        scenario(stops_at=-1)
    with pytest.raises(UsageError, match="a client needs a name"):
        client("", get("/"))
