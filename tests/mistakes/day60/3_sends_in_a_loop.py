import json

from fastapi import FastAPI, WebSocket


class Rooms:
    def __init__(self):
        self.members = {}
        self.last = {}

    def join(self, name, socket):
        number = self.last[name] = self.last.get(name, 0) + 1
        self.members.setdefault(name, {})[number] = socket
        return number

    def leave(self, name, number):
        self.members[name].pop(number, None)
        if not self.members[name]:
            del self.members[name], self.last[name]

    async def tell(self, name, message):
        for socket in list(self.members[name].values()):
            await socket.send_json(message)


def exercise_3():
    app = FastAPI()
    rooms = Rooms()

    @app.websocket("/rooms/{name}")
    async def room(socket: WebSocket, name: str):
        await socket.accept()
        number = rooms.join(name, socket)
        try:
            while True:
                message = await socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                try:
                    said = json.loads(message.get("text") or "")
                except ValueError:
                    said = None
                if not isinstance(said, dict) or not isinstance(said.get("text"), str):
                    await socket.send_json({"error": "invalid"})
                    continue
                await rooms.tell(name, {"from": number, "text": said["text"]})
        finally:
            rooms.leave(name, number)

    return app
