from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import ForeignKey, text
from sqlalchemy import select as query
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list["Book"]] = relationship(order_by="Book.id")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"))
    title: Mapped[str]


class NewBook(BaseModel):
    author_id: int
    title: str


INSERT = text(
    "INSERT INTO books (author_id, title)"
    " SELECT * FROM unnest(CAST(:authors AS int[]), CAST(:titles AS text[]))"
)


def exercise_5(dsn):
    engine = create_async_engine(dsn.replace("postgresql:", "postgresql+asyncpg:"))
    sessions = async_sessionmaker(engine)

    @asynccontextmanager
    async def lifespan(app):
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.get("/authors")
    async def authors():
        everything = query(Author).options(selectinload(Author.books)).order_by(Author.id)
        async with sessions() as session:
            return [
                {
                    "id": author.id,
                    "name": author.name,
                    "books": [{"id": book.id, "title": book.title} for book in author.books],
                }
                for author in await session.scalars(everything)
            ]

    @app.post("/books/import", status_code=201)
    async def add(books: Annotated[list[NewBook], Field(min_length=1, max_length=10_000)]):
        values = {
            "authors": [book.author_id for book in books],
            "titles": [book.title for book in books],
        }
        try:
            async with sessions.begin() as session:
                await session.execute(INSERT, values)
        except IntegrityError:
            raise HTTPException(409) from None
        return {"count": len(books)}

    return app
