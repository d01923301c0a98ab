import asyncio

from fastapi import FastAPI


def exercise_1(compute):
    app = FastAPI()

    @app.get("/users")
    async def users() -> list[str]:
        await asyncio.sleep(1)
        return ["Ada", "Grace"]

    @app.get("/products")
    async def products() -> list[str]:
        await asyncio.sleep(0.5)
        return ["keyboard", "screen"]

    @app.get("/orders")
    async def orders() -> list[int]:
        await asyncio.sleep(0.8)
        return [1, 2, 3]

    @app.get("/compute")
    def run_compute():
        return {"result": compute()}

    return app
