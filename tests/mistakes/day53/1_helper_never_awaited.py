import asyncio

from fastapi import FastAPI


def exercise_1(compute):
    app = FastAPI()

    async def slow(seconds):
        await asyncio.sleep(seconds)

    @app.get("/users")
    async def users():
        slow(1)
        return {"users": ["Ada", "Grace"]}

    @app.get("/products")
    async def products():
        slow(0.5)
        return {"products": ["keyboard", "screen"]}

    @app.get("/orders")
    async def orders():
        slow(0.8)
        return {"orders": [1, 2, 3]}

    @app.get("/compute")
    def run_compute():
        return {"result": compute()}

    return app
