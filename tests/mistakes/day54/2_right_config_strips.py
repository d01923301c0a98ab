from typing import Annotated

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=50)
    price: Annotated[float, Field(gt=0)]


def exercise_2():
    app = FastAPI()

    @app.post("/items", status_code=201)
    async def create(item: Item):
        return item

    return app
