from typing import Annotated

from fastapi import FastAPI, Form, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Item(BaseModel):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
    price: Annotated[float, Field(gt=0)]


class ExactItem(Item):
    model_config = ConfigDict(extra="forbid")


def exercise_3(store):
    app = FastAPI()

    @app.post("/items", status_code=201)
    async def from_json(item: ExactItem):
        return {"id": await store(item.model_dump())}

    @app.post("/items/form", status_code=201)
    async def from_form(item: Annotated[Item, Form()]):
        return {"id": await store(item.model_dump())}

    @app.post("/items/csv", status_code=201)
    async def from_csv(request: Request):
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > 1000:
                raise HTTPException(413, "at most 1000 bytes")
        lines = body.decode().strip().split("\n")
        items = [parsed(line, number) for number, line in enumerate(lines, 1)]
        return {"ids": [await store(item.model_dump()) for item in items]}

    return app


def parsed(line, number):
    try:
        name, price = line.removesuffix("\r").split(",")
        return Item(name=name, price=price)
    except ValueError:
        raise HTTPException(422, f"line {number} is bad") from None
