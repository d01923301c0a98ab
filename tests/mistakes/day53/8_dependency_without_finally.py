from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException


def exercise_8(connect):
    app = FastAPI()

    async def get_conn():
        conn = await connect()
        yield conn
        await conn.close()

    @app.get("/query")
    async def query(sql: str, conn: Annotated[Any, Depends(get_conn)]):
        try:
            return await conn.query(sql)
        except Exception:
            raise HTTPException(status_code=502, detail="query failed")

    return app
