import asyncio
import json

from fastapi import Depends, FastAPI, HTTPException, WebSocket


def exercise_4(find_user):
    app = FastAPI()
    online = {}

    async def login(ws: WebSocket):
        await ws.accept()
        try:
            message = await asyncio.wait_for(ws.receive(), 5)
            token = json.loads(message["text"])["token"]
            assert isinstance(token, str)
        except Exception:
            raise HTTPException(401)
        user = await find_user(token)
        if user is None:
            raise HTTPException(401)
        return user

    @app.websocket("/me")
    async def me(ws: WebSocket, user=Depends(login)):
        name = user["name"]
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
