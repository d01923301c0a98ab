import asyncio
import json

from fastapi import FastAPI, WebSocket, WebSocketDisconnect


def parsed(text):
    try:
        message = json.loads(text)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def exercise_4(find_user):
    app = FastAPI()
    sockets = {}

    async def next_message(socket, seconds):
        message = await asyncio.wait_for(socket.receive(), seconds)
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        return parsed(message.get("text") or "")

    @app.websocket("/me")
    async def me(socket: WebSocket):
        await socket.accept()
        try:
            token = (await next_message(socket, 5)).get("token")
        except TimeoutError:
            token = None
        except WebSocketDisconnect:
            return
        user = await find_user(token) if isinstance(token, str) else None
        if user is None:
            await socket.close(1008)
            return
        name = user["name"]
        older = sockets.get(name)
        mine = sockets[name] = asyncio.current_task()
        if older:
            older.cancel()
        try:
            while True:
                message = await next_message(socket, 30)
                if message.get("type") == "ping":
                    await socket.send_json({"type": "pong"})
        except TimeoutError:
            await socket.close(1008)
        except WebSocketDisconnect:
            pass
        except asyncio.CancelledError:
            if sockets.get(name) is mine:
                raise
            await socket.close(4000)
        finally:
            if sockets.get(name) is mine:
                del sockets[name]

    return app
