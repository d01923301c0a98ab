import asyncio

from fastapi import (
    FastAPI,
    WebSocket,
    WebSocketDisconnect,
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
                try:
                    data = await socket.receive_json()
                except WebSocketDisconnect:
                    return
                except ValueError:
                    give(queue, gone, {"error": "invalid"})
                    continue
                if not isinstance(data, dict) or not isinstance(data.get("text"), str):
                    give(queue, gone, {"error": "invalid"})
                    continue
                for q, g in list(room["who"].values()):
                    give(q, g, {"from": number, "text": data["text"]})

        def give(q, g, m):
            try:
                q.put_nowait(m)
            except asyncio.QueueFull:
                g.set()

        tasks = [asyncio.create_task(c) for c in (write(), read(), gone.wait())]
        try:
            _, pending = await asyncio.wait(tasks, return_when="FIRST_COMPLETED")
            for task in pending:
                task.cancel()
        finally:
            room["who"].pop(number, None)
            if not room["who"]:
                rooms.pop(name, None)
            if gone.is_set():
                await socket.close(1013)

    return app
