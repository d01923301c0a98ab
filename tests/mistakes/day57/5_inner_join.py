from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field


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
        async with app.state.pool.acquire() as conn:
            rows = await conn.fetch(
                "SELECT authors.id, name, books.id AS book_id, title FROM authors"
                " JOIN books ON author_id = authors.id ORDER BY authors.id, books.id"
            )
        found = {}
        for row in rows:
            author = {"id": row["id"], "name": row["name"], "books": []}
            author = found.setdefault(row["id"], author)
            author["books"].append({"id": row["book_id"], "title": row["title"]})
        return list(found.values())

    @app.post("/books/import", status_code=201)
    async def add(books: Annotated[list[Book], Field(min_length=1, max_length=10_000)]):
        rows = [(book.author_id, book.title) for book in books]
        try:
            async with app.state.pool.acquire() as conn:
                await conn.copy_records_to_table(
                    "books", columns=["author_id", "title"], records=rows
                )
        except asyncpg.ForeignKeyViolationError:
            raise HTTPException(409, "unknown author") from None
        return {"count": len(rows)}

    return app
