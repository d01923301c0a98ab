from fastapi import FastAPI


def exercise_8(connect):
    app = FastAPI()

    @app.get("/query")
    async def query(sql: str):
        async with connect() as conn:
            return await conn.query(sql)

    return app
