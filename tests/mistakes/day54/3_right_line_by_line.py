from fastapi import FastAPI, Form, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field
from typing import Annotated


class Item(BaseModel):
    model_config = ConfigDict(str_strip_whitespace=True)
    name: str = Field(min_length=1, max_length=50)
    price: float = Field(gt=0)


class JsonItem(Item, extra="forbid"):
    pass


def item_of(number, line):
    name, comma, price = line.decode().rpartition(",")
    try:
        if not comma or "," in name:
            raise ValueError(line)
        return Item(name=name, price=price).model_dump()
    except ValueError:
        raise HTTPException(422, {"line": number})


def exercise_3(store):
    app = FastAPI()

    @app.post("/items", status_code=201)
    async def json_item(item: JsonItem):
        return {"id": await store(item.model_dump())}

    @app.post("/items/form", status_code=201)
    async def form_item(item: Annotated[Item, Form()]):
        return {"id": await store(item.model_dump())}

    @app.post("/items/csv", status_code=201)
    async def csv_items(request: Request):
        items, rest, size = [], b"", 0
        async for piece in request.stream():
            size += len(piece)
            if size > 1000:
                raise HTTPException(413, "too much")
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                items.append(item_of(len(items) + 1, line.removesuffix(b"\r")))
        if rest:
            items.append(item_of(len(items) + 1, rest))
        ids = []
        for item in items:
            ids.append(await store(item))
        return {"ids": ids}

    return app
