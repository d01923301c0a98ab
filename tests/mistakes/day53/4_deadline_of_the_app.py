import asyncio

from fastapi import FastAPI, HTTPException


class Client:
    def __init__(self, fetch, timeout):
        self.fetch = fetch
        self.timeout = timeout
        self.deadline = None
        self.running = 0

    async def get(self):
        loop = asyncio.get_running_loop()
        if self.running == 0:
            self.deadline = loop.time() + self.timeout
        self.running += 1
        try:
            async with asyncio.timeout_at(self.deadline):
                return await self.fetch()
        finally:
            self.running -= 1


def exercise_4(fetch):
    app = FastAPI()
    client = Client(fetch, 2)

    @app.get("/external")
    async def external():
        try:
            return await client.get()
        except TimeoutError:
            raise HTTPException(504, "timeout")
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "bad gateway")

    return app
