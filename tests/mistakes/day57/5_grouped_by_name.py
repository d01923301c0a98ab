from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
from fastapi import Body, FastAPI, HTTPException
from pydantic import BaseModel


class Book(BaseModel):
    author_id: int
    title: str


def exercise_5(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/authors")
    async def authors():
        rows = await app.state.pool.fetch(
            "SELECT a.id, a.name, b.id AS book_id, b.title FROM authors a LEFT JOIN books b ON b.author_id = a.id ORDER BY a.id, b.id"
        )
        found = {}
        for row in rows:
            author = found.setdefault(
                row["name"], {"id": row["id"], "name": row["name"], "books": []}
            )
            if row["book_id"] is not None:
                author["books"].append({"id": row["book_id"], "title": row["title"]})
        return list(found.values())

    @app.post("/books/import", status_code=201)
    async def load(books: Annotated[list[Book], Body(min_length=1, max_length=10_000)]):
        ids = [b.author_id for b in books]
        titles = [b.title for b in books]
        try:
            await app.state.pool.execute(
                "INSERT INTO books (author_id, title) SELECT * FROM unnest($1::int[], $2::text[])",
                ids,
                titles,
            )
        except asyncpg.ForeignKeyViolationError:
            raise HTTPException(409)
        return {"count": len(books)}

    return app
