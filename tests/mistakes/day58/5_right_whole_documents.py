from contextlib import asynccontextmanager

from bson import ObjectId
from fastapi import FastAPI, HTTPException, Query
from fastapi.responses import JSONResponse
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel
from pymongo.errors import DuplicateKeyError


class Product(BaseModel):
    sku: str
    name: str
    price: float


class Change(BaseModel):
    sku: str = None
    name: str = None
    price: float = None


def out(doc):
    doc = dict(doc)
    return {"id": str(doc.pop("_id")), **doc}


def oid(id: str):
    if not ObjectId.is_valid(id):
        raise HTTPException(404)
    return ObjectId(id)


def exercise_5(url):
    @asynccontextmanager
    async def lifespan(app):
        client = AsyncIOMotorClient(url)
        app.state.products = client.get_default_database().products
        await app.state.products.create_index("sku", unique=True)
        yield
        client.close()

    app = FastAPI(lifespan=lifespan)

    @app.exception_handler(DuplicateKeyError)
    async def duplicate(*_):
        return JSONResponse({}, 409)

    @app.post("/products", status_code=201)
    async def post(product: Product):
        doc = product.model_dump()
        await app.state.products.insert_one(doc)
        return out(doc)

    @app.get("/products")
    async def many(after: str | None = None, limit: int = Query(10, ge=1, le=50)):
        query = {"_id": {"$gt": ObjectId(after)}} if after else {}
        docs = await app.state.products.find(query).sort("_id").limit(limit + 1).to_list(None)
        page = [out(d) for d in docs[:limit]]
        return {"results": page, "next": page[-1]["id"] if len(docs) > limit else None}

    @app.get("/products/{id}")
    async def one(id: str):
        doc = await app.state.products.find_one({"_id": oid(id)})
        if doc is None:
            raise HTTPException(404)
        return out(doc)

    @app.patch("/products/{id}")
    async def patch(id: str, change: Change):
        values = change.model_dump(exclude_unset=True)
        found = await app.state.products.find_one({"_id": oid(id)})
        if found is None:
            raise HTTPException(404)
        if values:
            await app.state.products.update_one({"_id": found["_id"]}, {"$set": values})
        return out(found | values)

    return app
