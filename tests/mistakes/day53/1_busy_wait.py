import time

from fastapi import FastAPI


def exercise_1(compute):
    app = FastAPI()

    async def wait(seconds):
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass

    @app.get("/users")
    async def users():
        await wait(1)
        return {"users": ["Ada", "Grace"]}

    @app.get("/products")
    async def products():
        await wait(0.5)
        return {"products": ["keyboard", "screen"]}

    @app.get("/orders")
    async def orders():
        await wait(0.8)
        return {"orders": [1, 2, 3]}

    @app.get("/compute")
    def run_compute():
        return {"result": compute()}

    return app
