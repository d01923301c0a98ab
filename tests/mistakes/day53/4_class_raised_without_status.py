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
            raise HTTPException("Gateway Timeout", 504)
        except HTTPException:
            raise
        except Exception:
            raise HTTPException("Bad Gateway", 502)

    return app
