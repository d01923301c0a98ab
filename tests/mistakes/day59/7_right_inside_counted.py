import asyncio

from fastapi import FastAPI, HTTPException


def exercise_7(render):
    app = FastAPI()
    places = asyncio.BoundedSemaphore(5)
    inside = set()

    @app.get("/render")
    async def page():
        if len(inside) >= 15:
            raise HTTPException(503, "full", {"Retry-After": "3"})
        me = object()
        inside.add(me)
        try:
            try:
                await asyncio.wait_for(places.acquire(), 2)
            except TimeoutError:
                raise HTTPException(503, "late", {"Retry-After": "3"}) from None
            try:
                return await render()
            finally:
                places.release()
        finally:
            inside.remove(me)

    return app
