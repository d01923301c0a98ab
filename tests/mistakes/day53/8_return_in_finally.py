from fastapi import FastAPI


def exercise_8(connect):
    app = FastAPI()

    @app.get("/query")
    async def query(sql: str):
        rows = []
        conn = await connect()
        try:
            rows = await conn.query(sql)
        finally:
            await conn.close()
            return rows

    return app
