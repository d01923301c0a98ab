from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException


def exercise_8(connect):
    async def get_connection():
        conn = await connect()
        try:
            yield conn
        finally:
            await conn.close()

    Connection = Annotated[Any, Depends(get_connection)]
    router = APIRouter()

    @router.get("/query")
    async def query(sql: str, conn: Connection):
        try:
            return await conn.query(sql)
        except Exception:
            raise HTTPException(502, "the query failed") from None

    app = FastAPI()
    app.include_router(router)
    return app
