import time

from fastapi import FastAPI


def compute_totals():
    time.sleep(2)
    return 42


def exercise_1(compute=compute_totals):
    app = FastAPI()

    @app.get("/users")
    async def users():
        time.sleep(1)
        return {"users": ["Ada", "Grace"]}

    @app.get("/products")
    async def products():
        time.sleep(0.5)
        return {"products": ["keyboard", "screen"]}

    @app.get("/orders")
    async def orders():
        time.sleep(0.8)
        return {"orders": [1, 2, 3]}

    @app.get("/compute")
    def run_compute():
        return {"result": compute()}

    return app
