"""Examples of WebSockets."""

from __future__ import annotations

from ....model.scenarios import leave, say, scenario, websocket
from ...aspects.messages import closes, messages, timed_closes
from .example import example

_ONE = scenario(websocket("/echo", say("a", at=1), say("b", at=2), leave(at=3)))
_SILENT = scenario(websocket("/echo", say("a", at=1), leave(at=60)))
_TWO = scenario(websocket("/a", say("x", at=1), leave(at=3)), websocket("/b", leave(at=3)))


def _echo(body: str, accept: str = "await socket.accept()") -> str:
    """An endpoint that does something with its WebSocket."""
    text = body.strip().replace("\n", "\n    ")
    return f"""
@app.websocket("/echo")
async def echo(socket: WebSocket):
    {accept}
    {text}
"""


_ECHOES = """
async for text in socket.iter_text():
    await socket.send_text(text)
"""


def _limited(seconds: int, close: str) -> str:
    return _echo(f"""
try:
    while True:
        text = await asyncio.wait_for(socket.receive_text(), {seconds})
        await socket.send_text(text)
except TimeoutError:
    {close}
""")


def _rooms(members: str) -> str:
    return f"""
rooms = {{}}

@app.websocket("/{{room}}")
async def talk(socket: WebSocket, room: str):
    await socket.accept()
    members = rooms.setdefault({members}, [])
    members.append(socket)
    async for text in socket.iter_text():
        for member in members:
            await member.send_text(text)
"""


_ALL_ROOMS = """
sockets = []

@app.websocket("/{room}")
async def talk(socket: WebSocket, room: str):
    await socket.accept()
    sockets.append(socket)
    async for text in socket.iter_text():
        for member in sockets:
            await member.send_text(text)
"""

EXAMPLES = (
    example("not-accepted", _ONE, _echo(_ECHOES, accept="pass"), _echo(_ECHOES), messages),
    example(
        "wrong-close-code",
        _SILENT,
        _limited(5, "await socket.close()"),
        _limited(5, "await socket.close(1001)"),
        closes,
    ),
    example(
        "socket-left-open",
        _SILENT,
        _echo(_ECHOES),
        _limited(5, "await socket.close(1001)"),
        closes,
    ),
    example(
        "closed-early-or-late",
        _SILENT,
        _limited(20, "await socket.close(1001)"),
        _limited(5, "await socket.close(1001)"),
        timed_closes,
    ),
    example(
        "socket-closed",
        _ONE,
        _echo("await socket.send_text(await socket.receive_text())\nawait socket.close()"),
        _echo(_ECHOES),
        closes,
    ),
    example("message-unasked", _TWO, _ALL_ROOMS, _rooms("room"), messages),
    example(
        "message-lost",
        _ONE,
        _echo("""
async for text in socket.iter_text():
    if text != "b":
        await socket.send_text(text)
"""),
        _echo(_ECHOES),
        messages,
    ),
    example(
        "wrong-message",
        _ONE,
        _echo("""
async for text in socket.iter_text():
    await socket.send_json(text)
"""),
        _echo(_ECHOES.replace("send_text(text)", "send_text(text)")),
        messages,
    ),
)
