import asyncio
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException


class SlowConnection:
    async def query(self, sql):
        await asyncio.sleep(0.5)
        return [{"answer": 42}]

    async def close(self):
        await asyncio.sleep(0.1)


async def connect_slowly():
    await asyncio.sleep(0.2)
    return SlowConnection()


@asynccontextmanager
async def managed(connect):
    conn = await connect()
    try:
        yield conn
    finally:
        await conn.close()


def exercise_8(connect=connect_slowly):
    app = FastAPI()

    @app.get("/query")
    async def query(sql: str):
        async with managed(connect) as conn:
            try:
                return await conn.query(sql)
            except Exception as exc:
                raise HTTPException(status_code=502, detail="Bad gateway") from exc

    return app
