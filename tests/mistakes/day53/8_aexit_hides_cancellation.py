import asyncio

from fastapi import FastAPI, HTTPException


class Session:
    def __init__(self, connect):
        self._connect = connect

    async def __aenter__(self):
        self._conn = await self._connect()
        return self._conn

    async def __aexit__(self, exc_type, exc, tb):
        await self._conn.close()
        return exc_type is not None and issubclass(exc_type, asyncio.CancelledError)


def exercise_8(connect):
    app = FastAPI()

    @app.get("/query")
    async def query(sql: str):
        rows = None
        try:
            async with Session(connect) as session:
                rows = await session.query(sql)
        except Exception:
            raise HTTPException(502, "query failed")
        return rows

    return app
