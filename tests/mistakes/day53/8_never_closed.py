from fastapi import FastAPI, HTTPException


class Database:
    def __init__(self, connect):
        self.connect = connect

    async def __aenter__(self):
        self.conn = await self.connect()
        return self.conn

    async def __aexit__(self, *exc_info):
        self.conn = None


def exercise_8(connect):
    app = FastAPI()

    @app.get("/query")
    async def query(sql: str):
        try:
            async with Database(connect) as conn:
                return await conn.query(sql)
        except Exception:
            raise HTTPException(502, "bad gateway")

    return app
