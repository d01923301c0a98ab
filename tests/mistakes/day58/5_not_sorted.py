from contextlib import asynccontextmanager
from typing import Annotated

from bson import ObjectId
from bson.errors import InvalidId
from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel
from pymongo import AsyncMongoClient, ReturnDocument
from pymongo.errors import DuplicateKeyError


class NewProduct(BaseModel):
    sku: str
    name: str
    price: float


class Change(BaseModel):
    sku: str = ""
    name: str = ""
    price: float = 0


def shown(document):
    return {
        "id": str(document["_id"]),
        "sku": document["sku"],
        "name": document["name"],
        "price": document["price"],
    }


def id_of(text):
    try:
        return ObjectId(text)
    except InvalidId as error:
        raise HTTPException(404) from error


def exercise_5(url):
    @asynccontextmanager
    async def lifespan(app):
        async with AsyncMongoClient(url) as client:
            app.state.products = client.get_default_database()["products"]
            await app.state.products.create_index("sku", unique=True)
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/products", status_code=201)
    async def add(product: NewProduct):
        document = product.model_dump()
        try:
            await app.state.products.insert_one(document)
        except DuplicateKeyError as error:
            raise HTTPException(409) from error
        return shown(document)

    @app.get("/products")
    async def page(after: str | None = None, limit: Annotated[int, Query(ge=1, le=50)] = 10):
        wanted = {"_id": {"$gt": id_of(after)}} if after else {}
        cursor = app.state.products.find(wanted).limit(limit + 1)
        found = [shown(document) async for document in cursor]
        results = found[:limit]
        return {"results": results, "next": results[-1]["id"] if len(found) > limit else None}

    @app.get("/products/{id}")
    async def read(id: str):
        document = await app.state.products.find_one({"_id": id_of(id)})
        if document is None:
            raise HTTPException(404)
        return shown(document)

    @app.patch("/products/{id}")
    async def change(id: str, change: Change):
        sent = change.model_dump(exclude_unset=True)
        try:
            document = await app.state.products.find_one_and_update(
                {"_id": id_of(id)}, {"$set": sent}, return_document=ReturnDocument.AFTER
            )
        except DuplicateKeyError as error:
            raise HTTPException(409) from error
        if document is None:
            raise HTTPException(404)
        return shown(document)

    return app
