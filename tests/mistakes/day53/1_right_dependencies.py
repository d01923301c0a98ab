import asyncio
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import BaseModel


class UserList(BaseModel):
    users: list[str]


class Delay:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def __call__(self) -> None:
        await asyncio.sleep(self.seconds)


def exercise_1(compute):
    app = FastAPI()

    def computed() -> int:
        return compute()

    @app.get("/users", dependencies=[Depends(Delay(1))])
    async def users() -> UserList:
        return UserList(users=["Ada", "Grace"])

    @app.get("/products", dependencies=[Depends(Delay(0.5))])
    async def products():
        return {"products": ["keyboard", "screen"]}

    @app.get("/orders", dependencies=[Depends(Delay(0.8))])
    async def orders():
        return {"orders": [1, 2, 3]}

    @app.get("/compute")
    async def run_compute(result: Annotated[object, Depends(computed)]):
        return {"result": result}

    return app
