import asyncio

from fastapi import FastAPI


def exercise_1(compute):
    app = FastAPI()
    lock = asyncio.Lock()
    data = {"users": ["Ada", "Grace"], "products": ["keyboard", "screen"], "orders": [1, 2, 3]}

    async def read(name, seconds):
        async with lock:
            await asyncio.sleep(seconds)
            return {name: list(data[name])}

    @app.get("/users")
    async def users():
        return await read("users", 1)

    @app.get("/products")
    async def products():
        return await read("products", 0.5)

    @app.get("/orders")
    async def orders():
        return await read("orders", 0.8)

    @app.get("/compute")
    def run_compute():
        return {"result": compute()}

    return app
