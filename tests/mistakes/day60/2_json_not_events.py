from typing import Annotated

from fastapi import FastAPI, Header


def exercise_2(subscribe):
    app = FastAPI()

    @app.get("/events")
    async def events(last_event_id: Annotated[int, Header()] = 0):
        async for number, event in subscribe(last_event_id):
            yield {"id": number, "data": event}

    return app
