from typing import Annotated

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, field_validator


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    price: Annotated[float, Field(gt=0)]

    @field_validator("name")
    @classmethod
    def stripped(cls, name: str) -> str:
        name = name.strip()
        if not 1 <= len(name) <= 50:
            raise ValueError("1 to 50 characters")
        return name


def exercise_2():
    app = FastAPI()

    @app.post("/items", status_code=201)
    async def create(item: Item):
        return item

    return app
