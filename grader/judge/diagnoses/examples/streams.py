"""Examples of server-sent events, and of uploads."""

from __future__ import annotations

from ....model.scenarios import Rows, Scenario, get, opens, put, rows, scenario, takes
from ....model.trace import Trace
from ...aspects.aspect import aspect
from ...aspects.calls import arguments
from ...aspects.messages import event_ids, events, events_of, never_silent_for
from .example import example

_TICKS = scenario(get("/ticks"), ticks=rows([{"n": 1}, None, {"n": 3}]))
_PAIRS = scenario(get("/news"), news=rows([(4, "a"), (7, "b")]))
_QUIET = scenario(get("/ticks", hangs_up_at=50), ticks=rows([1, 2], every=40, ends=False))
_SLOW = scenario(
    get("/ticks", reads=0, buffer=1, hangs_up_at=20),
    get("/ticks", at=1, hangs_up_at=15),
    ticks=rows(range(9), ends=False),
)


def _resumed(after: str, news: Rows) -> Scenario:
    return scenario(get("/news", headers={"Last-Event-ID": after}, hangs_up_at=5), news=news)


def _stream(sends: str, before: str = "") -> str:
    """An endpoint that sends something for each tick."""
    return f"""
async def events():
    {before or "pass"}
    async for tick in ticks():
        yield {sends}

@app.get("/ticks")
async def stream():
    return StreamingResponse(events(), media_type="text/event-stream")
"""


_RIGHT = _stream('f"data: {json.dumps(tick)}\\n\\n"')

_RESUMES = """
@app.get("/news", response_class=EventSourceResponse)
async def stream({parameter} = 0):
    async for number, text in news(last_event_id):
        yield ServerSentEvent(id=str(number), data=text)
"""

_KEPT_OPEN = """
async def events():
    queue = asyncio.Queue()

    async def pump():
        async for tick in ticks():
            await queue.put(f"data: {tick}\\n\\n")

    task = asyncio.create_task(pump())
    try:
        while True:
            try:
                text = await asyncio.wait_for(queue.get(), 15)
            except TimeoutError:
                text = ":\\n\\n"
            yield text
    finally:
        task.cancel()

@app.get("/ticks")
async def stream():
    return StreamingResponse(events(), media_type="text/event-stream")
"""

_UPLOAD = """
@app.put("/file")
async def store(request: Request):
    upload = await begin()
    {body}
    return "stored"
"""


def _upload(body: str) -> str:
    return _UPLOAD.format(body=body.strip().replace("\n", "\n    "))


_STORES = """
try:
    async for piece in request.stream():
        await upload.write(piece)
    await upload.commit()
except BaseException:
    await upload.abort()
    raise
"""

_RECEIVES = """
more = True
while more:
    message = await request.receive()
    await upload.write(message.get("body", b""))
    more = message.get("more_body", False)
await upload.commit()
"""
_SEES_WHO_LEAVES = """
more = True
while more:
    message = await request.receive()
    if message["type"] == "http.disconnect":
        return await upload.abort()
    await upload.write(message["body"])
    more = message["more_body"]
await upload.commit()
"""

_BEGINS = opens(close=None, write=takes(0.1), commit=takes(0), abort=takes(0))
_LEAVES = scenario(put("/file", pieces=[b"a", b"b"], every=2, hangs_up_at=1), begin=_BEGINS)
_CUT_OFF = scenario(put("/file", pieces=[b"a", b"b"], every=2, cancelled_at=1), begin=_BEGINS)
_WHOLE = scenario(put("/file", body=b"abc"), begin=_BEGINS)


@aspect("resources")
def _ends(trace: Trace) -> tuple[str, ...]:
    """Which commits and aborts there were."""
    ends = [*trace.calls("begin.commit"), *trace.calls("begin.abort")]
    return (", ".join(call.name for call in ends) or "none",)


EXAMPLES = (
    example("event-framing", _TICKS, _stream('f"data: {json.dumps(tick)}\\n"'), _RIGHT, events),
    example("event-not-json", _TICKS, _stream('f"data: {tick}\\n\\n"'), _RIGHT, events),
    example(
        "event-lost",
        _TICKS,
        """
        @app.get("/ticks", response_class=EventSourceResponse)
        async def stream():
            async for tick in ticks():
                yield ServerSentEvent(data=tick)
        """,
        """
        @app.get("/ticks", response_class=EventSourceResponse)
        async def stream():
            async for tick in ticks():
                yield ServerSentEvent(raw_data=json.dumps(tick))
        """,
        events,
    ),
    example(
        "event-unasked",
        _TICKS,
        _stream('f"data: {json.dumps(tick)}\\n\\n"', before='yield "data: 0\\n\\n"'),
        _stream('f"data: {json.dumps(tick)}\\n\\n"', before='yield ": hello\\n\\n"'),
        events,
    ),
    example(
        "event-without-id",
        _PAIRS,
        """
        @app.get("/news", response_class=EventSourceResponse)
        async def stream():
            async for number, text in news():
                yield ServerSentEvent(data=text)
        """,
        """
        @app.get("/news", response_class=EventSourceResponse)
        async def stream():
            async for number, text in news():
                yield ServerSentEvent(data=text, id=str(number))
        """,
        event_ids,
    ),
    example(
        "last-event-id-ignored",
        _resumed("4", rows([(4, "a"), (7, "b")], after_argument=True)),
        _RESUMES.format(parameter="last_event_id: int"),
        _RESUMES.format(parameter="last_event_id: int = Header()").replace(
            "Header() = 0", "Header(0)"
        ),
        arguments,
    ),
    example(
        "stream-silent",
        _QUIET,
        _stream('f"data: {tick}\\n\\n"'),
        _KEPT_OPEN,
        never_silent_for(15),
    ),
    example(
        "generator-cancelled",
        _QUIET,
        """
        async def events():
            source = ticks()
            while True:
                try:
                    tick = await asyncio.wait_for(anext(source), 15)
                except TimeoutError:
                    yield ":\\n\\n"
                else:
                    yield f"data: {tick}\\n\\n"

        @app.get("/ticks")
        async def stream():
            return StreamingResponse(events(), media_type="text/event-stream")
        """,
        _KEPT_OPEN,
        events,
    ),
    example(
        "slow-client-delays",
        _SLOW,
        """
        turn = asyncio.Lock()

        async def events():
            async for tick in ticks():
                async with turn:
                    yield f"data: {tick}\\n\\n"

        @app.get("/ticks")
        async def stream():
            return StreamingResponse(events(), media_type="text/event-stream")
        """,
        _stream('f"data: {tick}\\n\\n"'),
        events_of(1),
    ),
    example(
        "left-unfinished",
        _CUT_OFF,
        _upload("""
async for piece in request.stream():
    await upload.write(piece)
await upload.commit()
"""),
        _upload(_STORES),
        _ends,
    ),
    example("half-stored", _LEAVES, _upload(_RECEIVES), _upload(_SEES_WHO_LEAVES), _ends),
    example(
        "finished-twice",
        _WHOLE,
        _upload(_STORES.replace("except BaseException:", "finally:").replace("    raise\n", "")),
        _upload(_STORES),
        _ends,
    ),
)
