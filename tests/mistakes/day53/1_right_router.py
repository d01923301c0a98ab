import asyncio
import time

from fastapi import APIRouter, FastAPI

router = APIRouter(tags=["shop"])


@router.get("/users")
async def users():
    await asyncio.sleep(1)
    return {"users": ["Ada", "Grace"]}


@router.get("/products")
async def products():
    await asyncio.sleep(0.5)
    return {"products": ["keyboard", "screen"]}


@router.get("/orders")
async def orders():
    await asyncio.sleep(0.8)
    return {"orders": [1, 2, 3]}


def compute_totals():
    time.sleep(2)
    return 42


def exercise_1(compute=compute_totals):
    app = FastAPI()
    app.include_router(router)

    @app.get("/compute")
    def run_compute():
        return {"result": compute()}

    return app
