import time

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool


def load_users():
    time.sleep(1)
    return ["Ada", "Grace", "Linus"]


def load_products():
    time.sleep(0.5)
    return ["keyboard", "screen"]


def load_orders():
    time.sleep(0.8)
    return [1, 2, 3]


def exercise_1(compute):
    app = FastAPI()

    @app.get("/users")
    async def users():
        return {"users": await run_in_threadpool(load_users)}

    @app.get("/products")
    async def products():
        return {"products": await run_in_threadpool(load_products)}

    @app.get("/orders")
    async def orders():
        return {"orders": await run_in_threadpool(load_orders)}

    @app.get("/compute")
    async def run_compute():
        return {"result": await run_in_threadpool(compute)}

    return app
