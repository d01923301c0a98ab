import logging
from typing import Any

from fastapi import FastAPI, HTTPException, Query

log = logging.getLogger(__name__)


class ConnectionManager:
    def __init__(self, connect) -> None:
        self._connect = connect
        self._conn: Any = None

    async def __aenter__(self):
        self._conn = await self._connect()
        return self._conn

    async def __aexit__(self, exc_type, exc, tb) -> bool:
        if exc is not None:
            log.warning("query ended with %s", exc_type.__name__)
        await self._conn.close()
        return False


def exercise_8(connect):
    app = FastAPI()

    @app.get("/query")
    async def query(sql: str = Query(...)) -> list[dict] | None:
        try:
            async with ConnectionManager(connect) as conn:
                rows = await conn.query(sql)
        except Exception:
            log.exception("query failed")
            raise HTTPException(502, "the database did not answer") from None
        return rows

    return app
