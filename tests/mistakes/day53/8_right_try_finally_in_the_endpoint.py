from fastapi import FastAPI, HTTPException


def exercise_8(connect):
    app = FastAPI()

    @app.get("/query")
    async def query(sql: str):
        conn = await connect()
        try:
            return await conn.query(sql)
        except Exception:
            raise HTTPException(502, "query failed")
        finally:
            await conn.close()

    return app
