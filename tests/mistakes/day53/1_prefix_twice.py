import asyncio

from fastapi import APIRouter, FastAPI

users_router = APIRouter(prefix="/users")
products_router = APIRouter(prefix="/products")
orders_router = APIRouter(prefix="/orders")


@users_router.get("/users")
async def users():
    await asyncio.sleep(1)
    return {"users": ["Ada", "Grace"]}


@products_router.get("/products")
async def products():
    await asyncio.sleep(0.5)
    return {"products": ["keyboard", "screen"]}


@orders_router.get("/orders")
async def orders():
    await asyncio.sleep(0.8)
    return {"orders": [1, 2, 3]}


def exercise_1(compute):
    app = FastAPI()
    for router in (users_router, products_router, orders_router):
        app.include_router(router)

    @app.get("/compute")
    def run_compute():
        return {"result": compute()}

    return app
