import asyncio

from fastapi import FastAPI


def exercise_1(compute):
    app = FastAPI()

    @app.get("/users")
    async def users():
        await asyncio.sleep(1)
        return {"users": ["a", "b"]}

    @app.get("/products")
    async def products():
        await asyncio.sleep(0.5)
        return {"products": ["c"]}

    @app.get("/orders")
    async def orders():
        await asyncio.sleep(0.8)
        return {"orders": []}

    @app.get("/compute")
    async def do_compute():
        return {"result": await asyncio.to_thread(compute())}

    return app
