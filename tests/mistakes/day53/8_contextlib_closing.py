from contextlib import closing

from fastapi import FastAPI, HTTPException


def exercise_8(connect):
    app = FastAPI()

    @app.get("/query")
    async def query(sql: str):
        try:
            with closing(await connect()) as conn:
                return await conn.query(sql)
        except Exception:
            raise HTTPException(502, "query failed")

    return app
