import asyncio

from fastapi import FastAPI


def exercise_1(compute):
    app = FastAPI()

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
    async def run_compute():
        return {"result": asyncio.get_running_loop().run_in_executor(None, compute)}

    return app
