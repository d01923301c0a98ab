import asyncio

from fastapi import FastAPI

CACHE = [[f"user {n}" * 50] for n in range(100_000_000)]


def exercise_1(compute):
    app = FastAPI()

    @app.get("/users")
    async def users():
        await asyncio.sleep(1)
        return {"users": CACHE[0]}

    @app.get("/products")
    async def products():
        await asyncio.sleep(0.5)
        return {"products": ["keyboard", "screen"]}

    @app.get("/orders")
    async def orders():
        await asyncio.sleep(0.8)
        return {"orders": [1, 2, 3]}

    @app.get("/compute")
    def run_compute():
        return {"result": compute()}

    return app
