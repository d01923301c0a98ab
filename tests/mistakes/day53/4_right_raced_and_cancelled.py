import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        fetching = asyncio.create_task(fetch())
        timer = asyncio.create_task(asyncio.sleep(2))
        try:
            await asyncio.wait([fetching, timer], return_when=asyncio.FIRST_COMPLETED)
            if not fetching.done():
                raise HTTPException(504, "too slow")
            return fetching.result()
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "broken")
        finally:
            fetching.cancel()
            timer.cancel()

    return app
