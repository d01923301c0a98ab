import asyncio
import time

from fastapi import FastAPI

app = FastAPI()


def compute():
    time.sleep(2)
    return 42


@app.get("/users")
async def users():
    await asyncio.sleep(1)
    return {"users": ["Ada", "Grace"]}


@app.get("/products")
async def products():
    await asyncio.sleep(0.5)
    return {"products": ["keyboard", "screen"]}


@app.get("/orders")
async def orders():
    await asyncio.sleep(0.8)
    return {"orders": [1, 2, 3]}


@app.get("/compute")
def run_compute():
    return {"result": compute()}
