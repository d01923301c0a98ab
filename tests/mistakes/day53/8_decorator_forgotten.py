from fastapi import FastAPI


def exercise_8(connect):
    app = FastAPI()

    async def connection():
        conn = await connect()
        try:
            yield conn
        finally:
            await conn.close()

    @app.get("/query")
    async def query(sql: str):
        async with connection() as conn:
            return await conn.query(sql)

    return app
