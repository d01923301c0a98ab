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
            raise HTTPException(504, "gateway timeout")
        except HTTPException:
            raise
        except Exception as error:
            raise HTTPException(502, "bad gateway", headers={"X-Error": repr(error)})

    return app
