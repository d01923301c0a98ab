from fastapi import FastAPI, HTTPException


def exercise_8(connect):
    app = FastAPI()

    @app.get("/query")
    async def run_query(sql: str):
        conn = await connect()
        try:
            rows = await conn.query(sql)
        except Exception:
            raise HTTPException(status_code=502, detail="database error")
        await conn.close()
        return rows

    return app
