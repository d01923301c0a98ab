from typing import Annotated

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    price: Annotated[float, Field(gt=0)]


def exercise_2():
    app = FastAPI()

    @app.post("/items", status_code=201)
    async def create(item: Item):
        return item

    return app
