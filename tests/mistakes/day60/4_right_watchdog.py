import asyncio
from typing import Literal

from fastapi import FastAPI, WebSocket
from pydantic import BaseModel, StrictStr, ValidationError


class Login(BaseModel):
    token: StrictStr


class Ping(BaseModel):
    type: Literal["ping"]


class Connection:
    def __init__(self, socket):
        self.socket = socket
        self.code = asyncio.get_running_loop().create_future()
        self.timer = None

    def expect(self, seconds, code):
        if self.timer:
            self.timer.cancel()
        loop = asyncio.get_running_loop()
        self.timer = loop.call_later(seconds, self.end, code)

    def end(self, code):
        if not self.code.done():
            self.code.set_result(code)


def exercise_4(find_user):
    app = FastAPI()
    here = {}

    async def read(connection):
        name = None
        try:
            while True:
                message = await connection.socket.receive()
                if message["type"] == "websocket.disconnect":
                    return connection.end(None)
                text = message.get("text") or ""
                if name is None:
                    connection.timer.cancel()
                    try:
                        token = Login.model_validate_json(text).token
                    except ValidationError:
                        return connection.end(1008)
                    user = await find_user(token)
                    if user is None:
                        return connection.end(1008)
                    name = user["name"]
                    if name in here:
                        here[name].end(4000)
                    here[name] = connection
                    connection.expect(30, 1001)
                    continue
                connection.expect(30, 1001)
                try:
                    Ping.model_validate_json(text)
                except ValidationError:
                    continue
                await connection.socket.send_json({"type": "pong"})
        finally:
            if here.get(name) is connection:
                del here[name]

    @app.websocket("/me")
    async def me(socket: WebSocket):
        await socket.accept()
        connection = Connection(socket)
        connection.expect(5, 1008)
        reading = asyncio.create_task(read(connection))
        try:
            code = await connection.code
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        if code is not None:
            await socket.close(code)

    return app
