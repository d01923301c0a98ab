from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, HTTPException
from psycopg.errors import ForeignKeyViolation
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, Field

SQL = """
    SELECT a.id, a.name, coalesce(
        (SELECT json_agg(json_build_object('id', b.id, 'title', b.title) ORDER BY b.id)
         FROM books b WHERE b.author_id = a.id), '[]') AS books
    FROM authors a ORDER BY a.id
"""


class Book(BaseModel):
    author_id: int
    title: str


def exercise_5(dsn):
    pool = AsyncConnectionPool(dsn, min_size=1, max_size=5, open=False)

    @asynccontextmanager
    async def lifespan(app):
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/authors")
    async def authors():
        async with pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(SQL)
            return await cursor.fetchall()

    @app.post("/books/import", status_code=201)
    async def add(books: Annotated[list[Book], Field(min_length=1, max_length=10_000)]):
        conn = await pool.getconn()
        try:
            await conn.execute(
                "INSERT INTO books (author_id, title) SELECT * FROM unnest(%s::int[], %s::text[])",
                [[book.author_id for book in books], [book.title for book in books]],
            )
        except ForeignKeyViolation:
            raise HTTPException(409) from None
        finally:
            await pool.putconn(conn)
        return {"count": len(books)}

    return app
