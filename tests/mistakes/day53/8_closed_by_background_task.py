from fastapi import BackgroundTasks, FastAPI, HTTPException


def exercise_8(connect):
    app = FastAPI()

    @app.get("/query")
    async def query(sql: str, background_tasks: BackgroundTasks):
        conn = await connect()
        background_tasks.add_task(conn.close)
        try:
            return await conn.query(sql)
        except Exception:
            raise HTTPException(502, "query failed")

    return app
