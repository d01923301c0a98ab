from fastapi import Depends, FastAPI


def exercise_8(connect):
    app = FastAPI()

    async def connection():
        conn = await connect()
        try:
            yield conn
        except Exception as error:
            print("query failed:", error)
        finally:
            await conn.close()

    @app.get("/query")
    async def query(sql: str, conn=Depends(connection)):
        return await conn.query(sql)

    return app
