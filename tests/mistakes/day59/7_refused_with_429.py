import asyncio

from fastapi import FastAPI, HTTPException


def exercise_7(render):
    app = FastAPI()
    semaphore = asyncio.Semaphore(5)
    waiting = 0

    def busy():
        return HTTPException(429, "busy", headers={"Retry-After": "1"})

    @app.get("/render")
    async def page():
        nonlocal waiting
        if semaphore.locked() and waiting >= 10:
            raise busy()
        waiting += 1
        try:
            async with asyncio.timeout(2):
                await semaphore.acquire()
        except TimeoutError:
            raise busy()
        finally:
            waiting -= 1
        try:
            return await render()
        finally:
            semaphore.release()

    return app
