import json

from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent


def exercise_2(subscribe):
    app = FastAPI()

    @app.get("/events", response_class=EventSourceResponse)
    async def events():
        async for number, event in subscribe(0):
            yield ServerSentEvent(id=str(number), raw_data=json.dumps(event))

    return app
