import asyncio

from fastapi import FastAPI, HTTPException


class Call:
    def __init__(self, fetch):
        self.fetch = fetch
        self.finished = asyncio.Event()
        self.value = None
        self.error = None

    async def run(self):
        try:
            self.value = await self.fetch()
        except Exception as error:
            self.error = error
        finally:
            self.finished.set()


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        call = Call(fetch)
        task = asyncio.create_task(call.run())
        try:
            async with asyncio.timeout(2):
                await call.finished.wait()
        except TimeoutError:
            raise HTTPException(504, "timeout")
        await task
        if isinstance(call.error, HTTPException):
            raise call.error
        if call.error is not None:
            raise HTTPException(502, "bad gateway")
        return call.value

    return app
