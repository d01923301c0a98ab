import asyncio
from contextlib import asynccontextmanager

import anyio
from fastapi import FastAPI, HTTPException


def exercise_6(load):
    results = {}

    @asynccontextmanager
    async def lifespan(app):
        async with anyio.create_task_group() as app.state.group:
            yield
            app.state.group.cancel_scope.cancel()

    app = FastAPI(lifespan=lifespan)

    async def run(name, result):
        try:
            result["value"] = await load(name)
        except Exception as error:
            result["error"] = error
            results.pop(name)
        finally:
            result["done"].set()
        await anyio.sleep(10)
        if results.get(name) is result:
            del results[name]

    @app.get("/feed/{name}")
    async def feed(name: str):
        if name not in results:
            results[name] = {"done": anyio.Event()}
            app.state.group.start_soon(run, name, results[name])
        result = results[name]
        await result["done"].wait()
        if "error" in result:
            raise HTTPException(502)
        return result["value"]

    return app
