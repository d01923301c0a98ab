from fastapi import FastAPI, HTTPException


class ManagedConnection:
    def __init__(self, connect):
        self._connect = connect
        self._conn = None

    async def __aenter__(self):
        self._conn = await self._connect()
        return self._conn

    async def __aexit__(self, exc_type, exc, tb):
        if exc_type is None:
            await self._conn.close()
        return False


def exercise_8(connect):
    app = FastAPI()

    @app.get("/query")
    async def query(sql: str):
        try:
            async with ManagedConnection(connect) as conn:
                rows = await conn.query(sql)
        except Exception as exc:
            raise HTTPException(502, detail="query failed") from exc
        return rows

    return app
