import anyio
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool


def exercise_1(compute):
    app = FastAPI()

    @app.get("/users")
    async def users():
        await anyio.sleep(1)
        return {"users": ["Ada", "Grace"]}

    @app.get("/products")
    async def products():
        await anyio.sleep(0.5)
        return {"products": ["keyboard", "screen"]}

    @app.get("/orders")
    async def orders():
        await anyio.sleep(0.8)
        return {"orders": [1, 2, 3]}

    @app.get("/compute")
    async def run_compute():
        return {"result": await run_in_threadpool(compute)}

    return app
