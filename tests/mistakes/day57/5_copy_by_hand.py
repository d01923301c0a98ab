from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, HTTPException
from psycopg.errors import ForeignKeyViolation
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, Field


class Book(BaseModel):
    author_id: int
    title: str


def exercise_5(dsn):
    pool = AsyncConnectionPool(
        dsn, min_size=1, max_size=5, open=False, kwargs={"row_factory": dict_row}
    )

    @asynccontextmanager
    async def lifespan(app):
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/authors")
    async def authors():
        async with pool.connection() as conn:
            found = await conn.execute(
                "SELECT authors.id, name, coalesce(json_agg("
                "json_build_object('id', books.id, 'title', title) ORDER BY books.id)"
                " FILTER (WHERE books.id IS NOT NULL), '[]') AS books"
                " FROM authors LEFT JOIN books ON author_id = authors.id"
                " GROUP BY authors.id ORDER BY authors.id"
            )
            return await found.fetchall()

    @app.post("/books/import", status_code=201)
    async def add(books: Annotated[list[Book], Field(min_length=1, max_length=10_000)]):
        try:
            async with (
                pool.connection() as conn,
                conn.cursor() as cursor,
                cursor.copy("COPY books (author_id, title) FROM STDIN") as copy,
            ):
                for book in books:
                    await copy.write(f"{book.author_id}\t{book.title}\n")
        except ForeignKeyViolation:
            raise HTTPException(409, "unknown author") from None
        return {"count": len(books)}

    return app
