import asyncio
import json

from fastapi import FastAPI, WebSocket, WebSocketDisconnect


def exercise_4(find_user):
    app = FastAPI()
    sockets = {}

    async def log_in(socket):
        try:
            async with asyncio.timeout(5):
                message = json.loads(await socket.receive_text())
            return await find_user(message["token"])
        except (TimeoutError, ValueError, LookupError, TypeError):
            return None

    @app.websocket("/me")
    async def me(socket: WebSocket):
        await socket.accept()
        try:
            user = await log_in(socket)
            if user is None:
                return await socket.close(1008)
            name = user["name"]
            older = sockets.get(name)
            sockets[name] = socket
            if older is not None:
                await replaced(older)
            try:
                await serve(socket)
            finally:
                pass
        except WebSocketDisconnect:
            pass

    async def replaced(socket):
        try:
            await socket.close(4000)
        except ValueError:
            pass

    async def serve(socket):
        while True:
            try:
                async with asyncio.timeout(30):
                    raw = await socket.receive_text()
            except KeyError:
                continue
            except TimeoutError:
                await socket.close(1001)
                return
            try:
                message = json.loads(raw)
            except ValueError:
                continue
            if isinstance(message, dict) and message.get("type") == "ping":
                await socket.send_json({"type": "pong"})

    return app
