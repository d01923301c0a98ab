from fastapi import FastAPI, HTTPException


def exercise_8(connect):
    app = FastAPI()

    class Connection:
        async def __aenter__(self):
            self.conn = await connect()
            return self.conn

        async def __aexit__(self):
            await self.conn.close()

    connection = Connection

    @app.get("/query")
    async def query(sql: str):
        try:
            async with connection() as conn:
                return await conn.query(sql)
        except Exception:
            raise HTTPException(502, "the query failed")

    return app
