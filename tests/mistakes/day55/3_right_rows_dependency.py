from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import JSONResponse
from starlette.background import BackgroundTask


def exercise_3(connect, notify):
    app = FastAPI()

    async def wanted(sql: str):
        return sql

    async def connection(sql: Annotated[str, Depends(wanted)]):
        conn = await connect()
        try:
            yield conn
        finally:
            await conn.close()

    async def rows(
        sql: Annotated[str, Depends(wanted)],
        conn: Annotated[Any, Depends(connection, scope="function")],
    ):
        try:
            return await conn.query(sql)
        except Exception as error:
            raise HTTPException(502, "no rows") from error

    @app.get("/report")
    async def report(rows: Annotated[Any, Depends(rows, scope="function")]):
        return JSONResponse({"rows": rows}, background=BackgroundTask(notify, rows))

    return app
