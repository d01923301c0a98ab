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
            authors = await conn.fetch("SELECT id, name FROM authors ORDER BY id")
            books = await conn.fetch("SELECT id, title, author_id FROM books ORDER BY id")
        found = {author["id"]: dict(author) | {"books": []} for author in authors}
        for book in books:
            found[book["author_id"]]["books"].append({"id": book["id"], "title": book["title"]})
        return list(found.values())

    @app.post("/books/import", status_code=201)
    async def add(books: Annotated[list[Book], Field(min_length=1, max_length=10_000)]):
        rows = [(book.author_id, book.title) for book in books]
        try:
            async with app.state.pool.acquire() as conn, conn.transaction():
                known = await conn.fetchval(
                    "SELECT count(*) FROM authors WHERE id = ANY($1)",
                    {author for author, _ in rows},
                )
                if known < len({author for author, _ in rows}):
                    raise HTTPException(409, "unknown author")
                await conn.copy_records_to_table(
                    "books", columns=["author_id", "title"], records=rows
                )
        except asyncpg.ForeignKeyViolationError:
            raise HTTPException(409, "unknown author") from None
        return {"count": len(rows)}

    return app
