from typing import Annotated, Any

from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException


def exercise_3(connect, notify):
    app = FastAPI()

    async def connection():
        conn = await connect()
        try:
            yield conn
        finally:
            await conn.close()

    @app.get("/report")
    async def report(
        conn: Annotated[Any, Depends(connection, scope="function")],
        tasks: BackgroundTasks,
        sql: str = "",
    ):
        try:
            rows = await conn.query(sql)
        except Exception as error:
            raise HTTPException(502, "the query failed") from error
        tasks.add_task(notify, rows)
        return {"rows": rows}

    return app
