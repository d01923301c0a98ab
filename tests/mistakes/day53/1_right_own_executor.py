import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request


@asynccontextmanager
async def lifespan(app: FastAPI):
    with ThreadPoolExecutor(max_workers=4, thread_name_prefix="compute") as pool:
        app.state.pool = pool
        yield


def exercise_1(compute):
    app = FastAPI(lifespan=lifespan)

    @app.get("/users")
    async def users():
        await asyncio.sleep(1)
        return {"users": ["Ada", "Grace"]}

    @app.get("/products")
    async def products():
        await asyncio.sleep(0.5)
        return {"products": ["keyboard", "screen"]}

    @app.get("/orders")
    async def orders():
        await asyncio.sleep(0.8)
        return {"orders": [1, 2, 3]}

    @app.get("/compute")
    async def run_compute(request: Request):
        loop = asyncio.get_running_loop()
        return {"result": await loop.run_in_executor(request.app.state.pool, compute)}

    return app
