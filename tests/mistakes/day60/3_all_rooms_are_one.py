import asyncio
import json

from fastapi import FastAPI, WebSocket


class Member:
    def __init__(self, number):
        self.number = number
        self.queue = asyncio.Queue()
        self.too_slow = asyncio.Event()

    def tell(self, message):
        if self.queue.qsize() >= 100:
            self.too_slow.set()
        else:
            self.queue.put_nowait(message)


def text_of(raw):
    try:
        message = json.loads(raw)
    except ValueError:
        return None
    if isinstance(message, dict) and isinstance(message.get("text"), str):
        return message["text"]
    return None


def exercise_3():
    app = FastAPI()
    rooms = {}

    @app.websocket("/rooms/{name}")
    async def room(socket: WebSocket, name: str):
        await socket.accept()
        room = rooms.setdefault("", {"last": 0, "members": {}})
        room["last"] += 1
        member = room["members"][room["last"]] = Member(room["last"])

        async def write():
            while True:
                await socket.send_text(json.dumps(await member.queue.get()))

        async def read():
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                text = text_of(message.get("text") or "")
                if text is None:
                    member.tell({"error": "invalid"})
                    continue
                for other in list(room["members"].values()):
                    other.tell({"from": member.number, "text": text})

        tasks = [asyncio.create_task(job) for job in (write(), read(), member.too_slow.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            del room["members"][member.number]
            if not room["members"]:
                rooms.pop("", None)
        if member.too_slow.is_set():
            await socket.close(1013)

    return app
