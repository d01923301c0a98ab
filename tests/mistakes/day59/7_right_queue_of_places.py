import asyncio

from fastapi import FastAPI, Response


def exercise_7(render):
    app = FastAPI()
    places = asyncio.Queue()
    for number in range(5):
        places.put_nowait(number)
    line = []

    @app.get("/render")
    async def page(response: Response):
        refused = Response(status_code=503, headers={"Retry-After": "1"})
        me = object()
        if places.empty():
            if len(line) >= 10:
                return refused
            line.append(me)
        try:
            async with asyncio.timeout(2):
                place = await places.get()
        except TimeoutError:
            return refused
        finally:
            if me in line:
                line.remove(me)
        try:
            return await render()
        finally:
            places.put_nowait(place)

    return app
