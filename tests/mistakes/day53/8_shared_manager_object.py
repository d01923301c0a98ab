from fastapi import FastAPI, HTTPException


class Database:
    def __init__(self, connect):
        self._connect = connect
        self._conn = None

    async def __aenter__(self):
        self._conn = await self._connect()
        return self._conn

    async def __aexit__(self, exc_type, exc, tb):
        await self._conn.close()
        return False


def exercise_8(connect):
    app = FastAPI()
    db = Database(connect)

    @app.get("/query")
    async def query(sql: str):
        try:
            async with db as conn:
                return await conn.query(sql)
        except Exception:
            raise HTTPException(502, "query failed")

    return app
