import time
from typing import Callable

from fastapi import FastAPI
from pydantic import BaseModel


class Users(BaseModel):
    users: list[str]


class Products(BaseModel):
    products: list[str]


class Orders(BaseModel):
    orders: list[int]


def exercise_1(compute: Callable[[], object]) -> FastAPI:
    app = FastAPI(title="Day 53")

    @app.get("/users", response_model=Users)
    def list_users() -> Users:
        time.sleep(1)
        return Users(users=["Ada", "Grace"])

    @app.get("/products", response_model=Products)
    def list_products() -> Products:
        time.sleep(0.5)
        return Products(products=["keyboard", "screen"])

    @app.get("/orders", response_model=Orders)
    def list_orders() -> Orders:
        time.sleep(0.8)
        return Orders(orders=[1, 2, 3])

    @app.get("/compute")
    def run_compute():
        return {"result": compute()}

    return app
