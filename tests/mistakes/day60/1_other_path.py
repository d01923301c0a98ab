from fastapi import FastAPI
from fastapi.sse import EventSourceResponse


def exercise_1(ticks):
    app = FastAPI()

    @app.get("/tick", response_class=EventSourceResponse)
    async def stream():
        async for tick in ticks():
            yield tick

    return app
