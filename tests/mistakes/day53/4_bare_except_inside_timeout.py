import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            async with asyncio.timeout(2):
                try:
                    return await fetch()
                except HTTPException:
                    raise
                except:  # noqa: E722
                    raise HTTPException(502, "the service failed")
        except TimeoutError:
            raise HTTPException(504, "the service took too long")

    return app
