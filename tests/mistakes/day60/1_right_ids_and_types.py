import json

from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent


def exercise_1(ticks):
    app = FastAPI()

    @app.get("/ticks", response_class=EventSourceResponse)
    async def stream():
        count = 0
        async for tick in ticks():
            count += 1
            yield ServerSentEvent(raw_data=json.dumps(tick), id=str(count), event="tick")

    return app
