"""Aspects of what stays: server-sent events, WebSockets, and who listens. It takes a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI, Response, WebSocket
from fastapi.responses import StreamingResponse

from grader import Trace, get, leave, play, say, websocket
from grader.judge.aspects.aspect import Aspect
from grader.judge.aspects.messages import (
    closes,
    event_ids,
    events,
    events_of,
    listening,
    message_texts,
    messages,
    messages_to,
    never_silent_for,
    timed_closes,
)
from grader.model.trace import Moment, Outcome, Span


def words(aspect: Aspect, trace: Trace) -> tuple[str, ...]:
    assert trace.outcome.kind == "finished"
    return aspect.words(aspect(trace))


# Server-sent events


def streaming(*pieces: str, every: float = 1) -> FastAPI:
    app = FastAPI()

    async def body() -> AsyncIterator[str]:
        for piece in pieces:
            await asyncio.sleep(every)
            yield piece

    @app.get("/")
    async def endpoint() -> Response:
        return StreamingResponse(body(), media_type="text/event-stream")

    return app


def test_events_are_compared_as_json_each_with_its_moment() -> None:
    one = play(streaming('data: {"b":2, "a": 1.0}\n\n', ": hello\n\n", "data: null\n\n"), get("/"))
    other = play(streaming('data:{"a":1,\ndata: "b": 2}\r\n\r\n', "\n", "data: null\n\n"), get("/"))
    said = ('#1: {"a": 1, "b": 2} at 1.00 s', "#1: null at 3.00 s")
    assert words(events, one) == words(events, other) == said


def test_data_that_is_not_json_is_compared_as_it_is() -> None:
    assert words(events, play(streaming("data: it's\n\n"), get("/"))) == ("#1: it's at 1.00 s",)
    assert words(events, play(streaming("data: 1\n"), get("/"))) == ("no event",)


def test_ids_are_compared_without_moments() -> None:
    trace = play(streaming("id: 7\ndata: 1\n\n", "data: 2\n\n"), get("/"))
    assert words(event_ids, trace) == ("#1: 1 with the id 7", "#1: 2 with the id 7")
    assert words(event_ids, play(streaming("data: 1\n\n"), get("/"))) == ("#1: 1 with no id",)


def test_events_of_one_exchange_leave_out_the_others() -> None:
    trace = play(streaming("data: 1\n\n"), get("/"), get("/", at=1))
    assert words(events_of(1), trace) == ("#2: 1 at 1.00 s",)


def test_silence_is_broken_by_events_and_comments() -> None:
    broken = play(streaming("data: 1\n\n", ":\n\n", every=10), get("/"))
    unbroken = play(streaming("data: 1\n\n", "\n", "\n", every=10), get("/"))
    limit = never_silent_for(15)
    assert words(limit, broken) == ("never more than 15 s without an event or a comment",)
    assert words(limit, unbroken) == ("20.00 s without an event or a comment",)


def test_silence_counts_to_the_end() -> None:
    app = streaming("data: 1\n\n", "\n", "\n", every=10)
    assert never_silent_for(15)(play(app, get("/"))) == (20_000_000,)
    assert never_silent_for(20)(play(app, get("/"))) == (None,)
    assert never_silent_for(20)(play(app, get("/", hangs_up_at=25))) == (None,)


# WebSockets


def echo(code: int | None = None) -> FastAPI:
    """Sends back what comes; at "bye" it closes with a code, or ends without a word."""
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(socket: WebSocket) -> None:
        await socket.accept()
        while (message := await socket.receive())["type"] != "websocket.disconnect":
            if message.get("text") == "bye":
                if code is not None:
                    await socket.close(code)
                return
            await asyncio.sleep(0.5)
            if message.get("bytes") is not None:
                await socket.send_bytes(message["bytes"])
            else:
                await socket.send_text(message["text"])

    return app


def test_messages_are_compared_as_json_each_with_its_moment() -> None:
    steps = (say('{"b": 1, "a": 2}', at=1), say(b"x", at=2), say("plain", at=3), leave(at=5))
    trace = play(echo(), websocket("/ws", *steps), websocket("/ws", leave(at=1), at=1))
    assert words(messages, trace) == (
        '#1: {"a": 2, "b": 1} at 1.50 s',
        "#1: b'x' at 2.50 s",
        "#1: plain at 3.50 s",
    )
    assert words(message_texts, trace)[2] == "#1: plain"
    assert words(messages_to(1), trace) == ("no message",)


def test_a_message_has_the_line_that_sent_it_and_a_close_too() -> None:
    trace = play(echo(1008), websocket("/ws", say("a"), say("bye", at=1)))
    (exchange,) = trace.exchanges
    assert exchange.closing is not None
    lines = Path(__file__).read_text("utf-8").splitlines()
    by_client, by_app, _ = exchange.messages
    assert by_client.line is None
    assert by_app.line is not None
    assert exchange.closing.line is not None
    assert "socket.send_text" in lines[by_app.line - 1]
    assert "socket.close(code)" in lines[exchange.closing.line - 1]


def test_closes_tell_who_closes_with_which_code_and_when_the_app_does() -> None:
    bye = websocket("/ws", say("bye", at=2), leave(at=9))
    stays = websocket("/ws", say("a", at=1))
    gone = websocket("/ws", leave(4001, at=3))
    trace = play(echo(1008), bye, stays, gone)
    ends = ("#1: closed with 1008", "#2: open to the end", "#3: left by its client")
    assert words(closes, trace) == ends
    assert words(timed_closes, trace) == (f"{ends[0]} at 2.00 s", *ends[1:])
    assert words(closes, play(echo(), bye)) == ("#1: closed with 1006",)


def test_what_is_not_accepted_is_refused() -> None:
    trace = play(FastAPI(), websocket("/ws"), get("/"))
    assert words(closes, trace) == ("#1: refused with 403",)


# LISTEN


def test_a_connection_that_listens_twice_is_one() -> None:
    start, end = Moment(0, 0), Moment(1, 1)

    def statement(text: str, resource: int, how: str = "done") -> Span:
        return Span(
            kind="statement",
            name="dsn",
            start=start,
            end=end,
            how=how,  # type: ignore[arg-type]
            resource=resource,
            arguments=(text, 0),
        )

    texts = [('LISTEN "a"', 1), ("listen b", 1), ("select 'listen'", 2)]
    spans = (*(statement(*each) for each in texts), statement("LISTEN a", 3, "failed"))
    trace = Trace(outcome=Outcome("finished"), spans=spans)
    assert words(listening, trace) == ("1 connection listening",)
    assert words(listening, Trace(outcome=Outcome("finished"))) == ("no connections listening",)
