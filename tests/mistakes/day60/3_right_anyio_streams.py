import json

import anyio
from fastapi import FastAPI, WebSocket
from pydantic import BaseModel, StrictStr, ValidationError


class Said(BaseModel):
    text: StrictStr


def exercise_3():
    app = FastAPI()
    rooms = {}
    counts = {}

    @app.websocket("/rooms/{name}")
    async def connect(socket: WebSocket, name: str):
        await socket.accept()
        number = counts[name] = counts.get(name, 0) + 1
        send, receive = anyio.create_memory_object_stream(100)
        room = rooms.setdefault(name, {})
        too_slow = anyio.Event()
        room[number] = send, too_slow

        def tell(number, message):
            stream, behind = room[number]
            try:
                stream.send_nowait(message)
            except anyio.WouldBlock:
                behind.set()

        async def write():
            async for message in receive:
                await socket.send_text(json.dumps(message))

        async def close_if_too_slow(scope):
            await too_slow.wait()
            scope.cancel()

        try:
            async with anyio.create_task_group() as group:
                group.start_soon(write)
                group.start_soon(close_if_too_slow, group.cancel_scope)
                while True:
                    message = await socket.receive()
                    if message["type"] == "websocket.disconnect":
                        break
                    try:
                        said = Said.model_validate_json(message.get("text") or "")
                    except ValidationError:
                        tell(number, {"error": "invalid"})
                    else:
                        for other in room:
                            tell(other, {"from": number, "text": said.text})
                group.cancel_scope.cancel()
        finally:
            del room[number]
            if not room:
                del rooms[name], counts[name]
        if too_slow.is_set():
            await socket.close(1013)

    return app
