import asyncio

from fastapi import FastAPI, HTTPException


def exercise_7(render):
    app = FastAPI()
    semaphore = asyncio.Semaphore(5)
    waiting = 0

    def busy():
        return HTTPException(503, "busy", headers={"Retry-After": "1"})

    @app.get("/render")
    async def page():
        return await render()

    return app
