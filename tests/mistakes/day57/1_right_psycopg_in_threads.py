from contextlib import asynccontextmanager

from fastapi import FastAPI
from psycopg_pool import ConnectionPool


def exercise_1(dsn):
    @asynccontextmanager
    async def lifespan(app):
        with ConnectionPool(dsn, min_size=1, max_size=5, open=False) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/time")
    def time():
        with app.state.pool.connection() as conn:
            conn.execute("SELECT 1")
        return {"ok": True}

    return app
