import asyncio
import json

from fastapi import FastAPI, WebSocket


def exercise_4(find_user):
    app = FastAPI()
    online = {}

    @app.websocket("/me")
    async def me(ws: WebSocket):
        await ws.accept()
        try:
            async with asyncio.timeout(5):
                message = await ws.receive()
                if message["type"] == "websocket.disconnect":
                    return
                try:
                    token = json.loads(message["text"])["token"]
                    if not isinstance(token, str):
                        raise TypeError
                except Exception:
                    return await ws.close(1008)
                user = await find_user(token)
        except TimeoutError:
            return await ws.close(1008)
        if user is None:
            return await ws.close(1008)
        name = user["name"]
        me = asyncio.current_task()
        replaced = asyncio.Event()
        if name in online:
            online[name].set()
        online[name] = replaced
        kick = asyncio.create_task(replaced.wait())
        try:
            while True:
                got = asyncio.create_task(ws.receive())
                done, _ = await asyncio.wait({got, kick}, timeout=30, return_when="FIRST_COMPLETED")
                if kick in done or not done:
                    got.cancel()
                    return await ws.close(4000 if kick in done else 1001)
                message = got.result()
                if message["type"] == "websocket.disconnect":
                    return
                try:
                    if json.loads(message["text"])["type"] == "ping":
                        await ws.send_json({"type": "pong"})
                except (KeyError, TypeError, ValueError):
                    pass
        finally:
            kick.cancel()
            if online.get(name) is replaced:
                del online[name]

    return app
