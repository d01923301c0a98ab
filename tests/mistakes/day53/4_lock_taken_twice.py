import asyncio

from fastapi import FastAPI, HTTPException


class Upstream:
    def __init__(self, fetch):
        self._fetch = fetch
        self._lock = asyncio.Lock()
        self.calls = 0

    async def count(self):
        async with self._lock:
            self.calls += 1

    async def get(self):
        async with self._lock:
            await self.count()
        async with asyncio.timeout(2):
            return await self._fetch()


def exercise_4(fetch):
    app = FastAPI()
    upstream = Upstream(fetch)

    @app.get("/external")
    async def external():
        try:
            return await upstream.get()
        except TimeoutError:
            raise HTTPException(504, "timeout")
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "bad gateway")

    return app
