import asyncio

from fastapi import FastAPI

TABLES = {
    "users": (1, ["Ada", "Grace"]),
    "products": (0.5, ["keyboard", "screen"]),
    "orders": (0.8, [1, 2, 3]),
}


def make_endpoint(name, seconds, items):
    async def endpoint():
        await asyncio.sleep(seconds)
        return {name: items}

    endpoint.__name__ = name
    return endpoint


def exercise_1(compute):
    app = FastAPI()
    for name, (seconds, items) in TABLES.items():
        app.get(f"/{name}")(make_endpoint(name, seconds, items))

    @app.get("/compute")
    def run_compute():
        return {"result": compute()}

    return app
