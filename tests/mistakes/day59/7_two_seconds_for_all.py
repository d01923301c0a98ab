import asyncio

from fastapi import FastAPI, HTTPException


def exercise_7(render):
    app = FastAPI()
    places = asyncio.Semaphore(5)
    inside = 0

    @app.get("/render")
    async def get():
        nonlocal inside
        if inside >= 15:
            raise HTTPException(503, headers={"Retry-After": "2"})
        inside += 1
        try:
            async with asyncio.timeout(2):
                async with places:
                    return await render()
        except TimeoutError:
            raise HTTPException(503, headers={"Retry-After": "2"})
        finally:
            inside -= 1

    return app
