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


def exercise_8(connect=connect_slowly):
    app = FastAPI()

    @asynccontextmanager
    async def get_connection():
        conn = await connect()
        yield conn
        await conn.close()

    @app.get("/query")
    async def query(sql: str):
        try:
            async with get_connection() as conn:
                return await conn.query(sql)
        except Exception:
            raise HTTPException(502, "query failed")

    return app
