import asyncio

from fastapi import FastAPI


def exercise_1(compute):
    app = FastAPI()

    @app.get("/users")
    async def users():
        await asyncio.sleep(1)
        return {"users": [{"id": 1, "name": "Ada"}, {"id": 2, "name": "Grace"}]}

    @app.get("/products")
    async def products():
        await asyncio.sleep(0.5)
        return {"products": []}

    @app.get("/orders")
    async def orders():
        await asyncio.sleep(0.8)
        return {"orders": [{"id": 1, "total": 9.5}]}

    @app.get("/compute")
    async def run_compute():
        result = await asyncio.to_thread(compute)
        return {"result": result}

    return app
