import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()
    lock = asyncio.Lock()

    @app.get("/external")
    async def external():
        try:
            async with asyncio.timeout(2):
                async with lock:
                    return await fetch()
        except TimeoutError:
            raise HTTPException(504, "timeout")
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "bad gateway")

    return app
