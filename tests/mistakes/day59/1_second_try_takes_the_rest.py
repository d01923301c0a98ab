import asyncio

from fastapi import FastAPI, HTTPException


def exercise_1(call):
    app = FastAPI()

    @app.get("/rates")
    async def rates():
        try:
            async with asyncio.timeout(4):
                try:
                    async with asyncio.timeout(2):
                        return await call()
                except (TimeoutError, ConnectionError):
                    return await call()
        except TimeoutError:
            raise HTTPException(504)
        except Exception:
            raise HTTPException(502)

    return app
