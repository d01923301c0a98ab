from typing import Annotated

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
    price: float = Field(gt=0)


def exercise_2():
    app = FastAPI()

    @app.post("/items")
    async def add(item: Item):
        return item, 201

    return app
