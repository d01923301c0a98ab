import asyncio

import anyio
from fastapi import FastAPI, HTTPException


def exercise_4(primary, replica):
    app = FastAPI()
    kept: list = []

    async def ask(find, id):
        with anyio.move_on_after(1):
            return [await find(id)]
        return []

    async def first_good(id):
        for source, find in {"primary": primary, "replica": replica}.items():
            try:
                for found in await ask(find, id):
                    return source, found
            except (KeyError, IndexError, LookupError) as error:
                raise HTTPException(404) from error
            except Exception:
                app.state.last_error = source
        return None, None

    @app.get("/profile/{id}")
    async def profile(id: int):
        now = asyncio.get_running_loop().time()
        source, found = await first_good(id)
        if source:
            kept[:] = [entry for entry in kept if entry[0] != id][-999:] + [(id, found, now)]
            return {"profile": found, "source": source, "age": 0}
        now = asyncio.get_running_loop().time()
        for key, found, since in kept:
            if key == id and now - since <= 60:
                return {"profile": found, "source": "cache", "age": now - since}
        raise HTTPException(503)

    return app
