import asyncio
import contextlib
import json
from contextlib import suppress

from fastapi import (
    FastAPI,
    WebSocket,
)
from pydantic import BaseModel, StrictStr


class Login(BaseModel):
    token: StrictStr


class Connections:
    def __init__(self):
        self._replaced = {}

    @contextlib.contextmanager
    def connected(self, name):
        mine = asyncio.Event()
        before = self._replaced.get(name)
        if before:
            before.set()
        self._replaced[name] = mine
        try:
            yield mine
        finally:
            if self._replaced.get(name) is mine:
                self._replaced.pop(name)


def exercise_4(find_user):
    app = FastAPI()
    connections = Connections()

    @app.websocket("/me")
    async def me(ws: WebSocket):
        await ws.accept()
        try:
            raw = await asyncio.wait_for(ws.receive(), timeout=5)
        except asyncio.TimeoutError:
            await ws.close(code=1008, reason="no login")
            return
        if raw["type"] == "websocket.disconnect":
            return
        try:
            login = Login.model_validate_json(raw.get("text") or raw.get("bytes") or b"")
            if raw.get("text") is None:
                raise ValueError
        except ValueError:
            await ws.close(code=1008, reason="not a login")
            return
        user = await find_user(login.token)
        if not user:
            await ws.close(code=1008, reason="unknown")
            return
        with connections.connected(user["name"]) as replaced:
            kicked = asyncio.create_task(replaced.wait())
            try:
                while True:
                    incoming = asyncio.create_task(ws.receive())
                    done, _ = await asyncio.wait(
                        {incoming, kicked}, timeout=30, return_when=asyncio.FIRST_COMPLETED
                    )
                    if kicked in done:
                        incoming.cancel()
                        await ws.close(4000)
                        return
                    if not done:
                        incoming.cancel()
                        await ws.close(1001)
                        return
                    raw = incoming.result()
                    if raw["type"] == "websocket.disconnect":
                        return
                    with suppress(ValueError):
                        message = json.loads(raw.get("text") or "null")
                        if isinstance(message, dict) and message.get("type") == "ping":
                            await ws.send_text('{"type": "pong"}')
            finally:
                kicked.cancel()

    return app
