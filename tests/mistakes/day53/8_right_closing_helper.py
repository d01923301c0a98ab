from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse


class QueryFailed(Exception):
    pass


class async_closing(AbstractAsyncContextManager):
    def __init__(self, thing):
        self.thing = thing

    async def __aenter__(self):
        return self.thing

    async def __aexit__(self, *exc_info):
        await self.thing.close()


def exercise_8(connect):
    app = FastAPI()

    @app.exception_handler(QueryFailed)
    async def bad_gateway(request: Request, exc: QueryFailed):
        return JSONResponse({"detail": "the query failed"}, status_code=502)

    @app.get("/query")
    async def query(sql: str):
        async with async_closing(await connect()) as conn:
            try:
                rows = await conn.query(sql)
            except Exception as error:
                raise QueryFailed from error
        return rows

    return app
