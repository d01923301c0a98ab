from fastapi import FastAPI


class Connection:
    def __init__(self, connect):
        self.connect = connect

    async def __aenter__(self):
        self.conn = await self.connect()

    async def __aexit__(self, *args):
        await self.conn.close()


def exercise_8(connect):
    app = FastAPI()

    @app.get("/query")
    async def query(sql: str):
        async with Connection(connect) as conn:
            return await conn.query(sql)

    return app
