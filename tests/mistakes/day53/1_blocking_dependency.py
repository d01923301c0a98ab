import time
from typing import Annotated

from fastapi import Depends, FastAPI


class Database:
    def read(self, table, seconds):
        time.sleep(seconds)
        return [f"{table}-{n}" for n in range(3)]


async def get_db():
    return Database()


async def get_users(db: Annotated[Database, Depends(get_db)]):
    return db.read("users", 1)


async def get_products(db: Annotated[Database, Depends(get_db)]):
    return db.read("products", 0.5)


async def get_orders(db: Annotated[Database, Depends(get_db)]):
    return db.read("orders", 0.8)


def exercise_1(compute):
    app = FastAPI()

    @app.get("/users")
    async def users(rows: Annotated[list, Depends(get_users)]):
        return {"users": rows}

    @app.get("/products")
    async def products(rows: Annotated[list, Depends(get_products)]):
        return {"products": rows}

    @app.get("/orders")
    async def orders(rows: Annotated[list, Depends(get_orders)]):
        return {"orders": rows}

    @app.get("/compute")
    def run_compute():
        return {"result": compute()}

    return app
