from contextlib import asynccontextmanager

import psycopg
from fastapi import FastAPI


def exercise_1(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as app.state.conn:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/time")
    async def time():
        await app.state.conn.execute("SELECT 1")
        return {"ok": True}

    return app
