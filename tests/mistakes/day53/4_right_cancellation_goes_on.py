import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            async with asyncio.timeout(2):
                return await fetch()
        except TimeoutError:
            raise HTTPException(504, "too slow")
        except (HTTPException, asyncio.CancelledError):
            raise
        except BaseException:
            raise HTTPException(502, "failed")

    return app
