from asyncio import sleep

from fastapi import FastAPI


def exercise_1(compute):
    app = FastAPI()

    @app.get("/users")
    async def users():
        await sleep(1)
        return {"users": ["Ada", "Grace"]}

    @app.get("/products")
    async def products():
        await sleep(0.5)
        return {"products": ["keyboard", "screen"]}

    @app.get("/orders")
    async def orders():
        await sleep(0.8)
        return {"orders": [1, 2, 3]}

    @app.get("/compute")
    async def run_compute():
        result = await compute()
        return {"result": result}

    return app
