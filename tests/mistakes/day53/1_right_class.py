import asyncio

from fastapi import FastAPI


class Shop:
    def __init__(self, compute):
        self.compute = compute

    async def _rows(self, key, seconds, rows):
        await asyncio.sleep(seconds)
        return {key: rows}

    async def users(self):
        return await self._rows("users", 1.0, ["Ada", "Grace"])

    async def products(self):
        return await self._rows("products", 0.5, ["keyboard", "screen"])

    async def orders(self):
        return await self._rows("orders", 0.8, [1, 2, 3])

    def run_compute(self):
        return {"result": self.compute()}

    def app(self):
        app = FastAPI()
        app.add_api_route("/users", self.users, methods=["GET"])
        app.add_api_route("/products", self.products, methods=["GET"])
        app.add_api_route("/orders", self.orders, methods=["GET"])
        app.add_api_route("/compute", self.run_compute, methods=["GET"])
        return app


def exercise_1(compute):
    return Shop(compute).app()
