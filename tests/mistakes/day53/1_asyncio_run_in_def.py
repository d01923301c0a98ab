import asyncio

from fastapi import FastAPI


async def load(name, seconds, items):
    await asyncio.sleep(seconds)
    return {name: items}


def exercise_1(compute):
    app = FastAPI()

    @app.get("/users")
    def users():
        return asyncio.run(load("users", 1, ["Ada", "Grace"]))

    @app.get("/products")
    def products():
        return asyncio.run(load("products", 0.5, ["keyboard", "screen"]))

    @app.get("/orders")
    def orders():
        return asyncio.run(load("orders", 0.8, [1, 2, 3]))

    @app.get("/compute")
    def run_compute():
        return {"result": compute()}

    return app
