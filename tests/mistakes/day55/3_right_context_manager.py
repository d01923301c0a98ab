from contextlib import asynccontextmanager

from fastapi import BackgroundTasks, FastAPI, HTTPException


def exercise_3(connect, notify):
    app = FastAPI()

    @asynccontextmanager
    async def connection():
        conn = await connect()
        try:
            yield conn
        finally:
            await conn.close()

    @app.get("/report")
    async def report(sql: str, tasks: BackgroundTasks):
        async with connection() as conn:
            try:
                rows = await conn.query(sql)
            except Exception:
                raise HTTPException(502) from None
        tasks.add_task(notify, rows)
        return {"rows": rows}

    return app
