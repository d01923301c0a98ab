from fastapi import FastAPI, HTTPException


def exercise_8(connect):
    app = FastAPI()

    @app.get("/query")
    async def query(sql: str):
        c = await connect()
        try:
            await c.query("begin")
            return await c.query(sql)
        except Exception:
            raise HTTPException(502)
        finally:
            await c.close()

    return app
