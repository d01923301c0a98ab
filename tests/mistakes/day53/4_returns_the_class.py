import asyncio

from fastapi import FastAPI, HTTPException

app = FastAPI


def exercise_4(fetch):
    async def external():
        try:
            async with asyncio.timeout(2):
                return await fetch()
        except TimeoutError:
            raise HTTPException(504, "timeout") from None
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "bad gateway") from None

    app.external = external
    return app
