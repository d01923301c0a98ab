import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            async with asyncio.timeout(2):
                for attempt in range(3):
                    try:
                        return await fetch()
                    except HTTPException:
                        raise
                    except Exception:
                        await asyncio.sleep(0.1 * 2**attempt)
        except TimeoutError:
            raise HTTPException(504, "timed out")
        raise HTTPException(502, "failed three times")

    return app
