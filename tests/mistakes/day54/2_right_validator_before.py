from fastapi import FastAPI
from pydantic import BaseModel, Field, field_validator


class Item(BaseModel, extra="forbid"):
    name: str = Field(min_length=1, max_length=50)
    price: float = Field(gt=0)

    @field_validator("name", mode="before")
    @classmethod
    def stripped(cls, name):
        return name.strip() if isinstance(name, str) else name


def exercise_2():
    app = FastAPI()

    @app.post("/items", status_code=201)
    async def create(item: Item) -> Item:
        return item

    return app
