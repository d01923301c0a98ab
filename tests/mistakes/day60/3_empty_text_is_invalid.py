import asyncio
import json

from fastapi import (
    FastAPI,
    WebSocket,
)


def exercise_3():
    app = FastAPI()
    rooms = {}

    @app.websocket("/rooms/{name}")
    async def enter(socket: WebSocket, name: str):
        await socket.accept()
        room = rooms.setdefault(name, {"n": 0, "who": {}})
        room["n"] += 1
        number = room["n"]
        queue = asyncio.Queue(100)
        gone = asyncio.Event()
        room["who"][number] = (queue, gone)

        async def write():
            while True:
                await socket.send_json(await queue.get())

        async def read():
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                try:
                    text = json.loads(message.get("text") or "").get("text")
                except Exception:
                    text = None
                if not text or not isinstance(text, str):
                    give(queue, gone, {"error": "invalid"})
                    continue
                for q, g in list(room["who"].values()):
                    give(q, g, {"from": number, "text": text})

        def give(q, g, m):
            try:
                q.put_nowait(m)
            except asyncio.QueueFull:
                g.set()

        tasks = [asyncio.create_task(c) for c in (write(), read(), gone.wait())]
        try:
            await asyncio.wait(tasks, return_when="FIRST_COMPLETED")
        finally:
            room["who"].pop(number, None)
            if not room["who"]:
                rooms.pop(name, None)
            for t in tasks:
                t.cancel()
            if gone.is_set():
                await socket.close(1013)

    return app
