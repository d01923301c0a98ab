import json
from typing import Annotated

from fastapi import FastAPI, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent


def exercise_2(subscribe):
    app = FastAPI()

    @app.get("/events", response_class=EventSourceResponse)
    async def events(last_event_id: Annotated[int, Header()]):
        async for number, event in subscribe(last_event_id):
            yield ServerSentEvent(id=str(number), raw_data=json.dumps(event))

    return app
