import asyncio

from fastapi import FastAPI, HTTPException


def exercise_1(call):
    app = FastAPI()

    @app.get("/rates")
    async def rates():
        for attempt in range(2):
            try:
                return await asyncio.wait_for(call(), 1)
            except TimeoutError:
                if attempt == 1:
                    raise HTTPException(504)
            except ConnectionError:
                if attempt == 1:
                    raise HTTPException(502)
            except Exception:
                raise HTTPException(502)

    return app
