import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            async with asyncio.timeout(2):
                result = await fetch()
        except TimeoutError:
            raise HTTPException(504, "too slow") from None
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "no data") from None

    return app
