import asyncio
import json
from collections import deque

from fastapi import FastAPI, WebSocket, WebSocketDisconnect


class TooSlow(Exception):
    pass


class Left(Exception):
    pass


class Member:
    def __init__(self, number):
        self.number = number
        self.waiting = deque()
        self.news = asyncio.Event()

    def tell(self, message):
        self.waiting.append(message)
        self.news.set()


def exercise_3():
    app = FastAPI()
    rooms = {}
    counts = {}

    async def write(socket, member):
        while True:
            await member.news.wait()
            member.news.clear()
            while member.waiting:
                await socket.send_json(member.waiting.popleft())

    async def watch(member):
        while len(member.waiting) <= 100:
            await asyncio.sleep(0.1)
        raise TooSlow

    async def read(socket, room, member):
        while True:
            try:
                message = await socket.receive_text()
            except KeyError:
                member.tell({"error": "invalid"})
                continue
            try:
                said = json.loads(message)
                text = said["text"]
                assert isinstance(said, dict) and isinstance(text, str)
            except (ValueError, LookupError, TypeError, AssertionError):
                member.tell({"error": "invalid"})
                continue
            for other in room:
                other.tell({"from": member.number, "text": text})

    @app.websocket("/rooms/{name}")
    async def connect(socket: WebSocket, name: str):
        await socket.accept()
        room = rooms.setdefault(name, [])
        counts[name] = counts.get(name, 0) + 1
        member = Member(counts[name])
        room.append(member)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(write(socket, member))
                group.create_task(watch(member))
                group.create_task(read(socket, room, member))
        except* TooSlow:
            await socket.close(code=1013)
        except* WebSocketDisconnect:
            pass
        finally:
            room.remove(member)
            if not room:
                del rooms[name], counts[name]

    return app
