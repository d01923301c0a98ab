from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "accounts"
    id: Mapped[int] = mapped_column(primary_key=True)
    balance: Mapped[int]


class Transfer(BaseModel):
    source: Annotated[int, Field(alias="from")]
    target: Annotated[int, Field(alias="to")]
    amount: Annotated[int, Field(gt=0)]


def exercise_4(dsn):
    engine = create_async_engine(dsn.replace("postgresql:", "postgresql+asyncpg:"))
    sessions = async_sessionmaker(engine)

    @asynccontextmanager
    async def lifespan(app):
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.post("/transfers", status_code=201)
    async def transfer(transfer: Transfer):
        if transfer.source == transfer.target:
            raise HTTPException(422)
        both = Account.id.in_([transfer.source, transfer.target])
        async with sessions.begin() as session:
            found = await session.scalars(
                select(Account).where(both).order_by(Account.id).with_for_update()
            )
            accounts = {account.id: account for account in found}
            if len(accounts) < 2:
                raise HTTPException(404)
            source, target = accounts[transfer.source], accounts[transfer.target]
            if source.balance < transfer.amount:
                raise HTTPException(409)
            source.balance -= transfer.amount
            target.balance += transfer.amount
        return transfer

    return app
