from typing import Annotated

from fastapi import FastAPI, Form, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Item(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
    price: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class FormItem(Item):
    model_config = ConfigDict(extra="ignore")


def exercise_3(store):
    app = FastAPI()

    @app.post("/items", status_code=201)
    async def item(item: Item):
        return {"id": await store(item.model_dump())}

    @app.post("/items/form", status_code=201)
    async def form(item: Annotated[FormItem, Form()]):
        return {"id": await store(item.model_dump())}

    @app.post("/items/csv", status_code=201)
    async def csv(request: Request):
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body.decode(errors="ignore")) > 1000:
                raise HTTPException(413)
        items = []
        for number, line in enumerate(body.decode().removesuffix("\n").split("\n"), 1):
            try:
                name, price = line.removesuffix("\r").split(",")
                items.append(Item(name=name, price=price))
            except ValueError:
                raise HTTPException(422, f"line {number}")
        return {"ids": [await store(i.model_dump()) for i in items]}

    return app
