import asyncio
import json

from fastapi import FastAPI, WebSocket


def exercise_4(find_user):
    app = FastAPI()
    connected = {}

    async def log_in(socket):
        message = await asyncio.wait_for(socket.receive(), 5)
        try:
            login = json.loads(message.get("text") or "{}")
        except ValueError:
            login = {}
        return await find_user(login.get("token") if isinstance(login, dict) else None)

    async def serve(socket):
        while True:
            try:
                message = await asyncio.wait_for(socket.receive(), 30)
            except TimeoutError:
                return 1001
            if message["type"] == "websocket.disconnect":
                return None
            try:
                is_ping = json.loads(message["text"])["type"] == "ping"
            except (KeyError, TypeError, ValueError):
                continue
            if is_ping:
                await socket.send_json({"type": "pong"})

    @app.websocket("/me")
    async def me(socket: WebSocket):
        await socket.accept()
        try:
            user = await log_in(socket)
        except TimeoutError:
            user = None
        if user is None:
            return await socket.close(1008)
        name, mine = user["name"], asyncio.Event()
        if name in connected:
            connected[name].set()
        connected[name] = mine
        serving, replaced = map(asyncio.create_task, (serve(socket), mine.wait()))
        try:
            await asyncio.wait({serving, replaced}, return_when=asyncio.FIRST_COMPLETED)
            code = serving.result() if serving.done() else 4000
        finally:
            serving.cancel()
            replaced.cancel()
            if connected.get(name) is mine:
                del connected[name]
        if code:
            await socket.close(code)

    return app
