import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            async with asyncio.timeout(2):
                return await fetch()
        except Exception:
            raise HTTPException(502, "bad gateway")
        except TimeoutError:
            raise HTTPException(504, "timeout")
        except HTTPException:
            raise

    return app
