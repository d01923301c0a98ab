import anyio
from fastapi import Depends, FastAPI, HTTPException


def exercise_7(render):
    app = FastAPI()
    limiter = None

    async def place():
        nonlocal limiter
        limiter = limiter or anyio.CapacityLimiter(5)
        me = object()
        if limiter.statistics().tasks_waiting >= 10:
            raise HTTPException(503, "full", headers={"Retry-After": "1"})
        with anyio.move_on_after(2) as scope:
            await limiter.acquire_on_behalf_of(me)
        if scope.cancelled_caught:
            raise HTTPException(503, "late", headers={"Retry-After": "1"})
        try:
            yield
        finally:
            limiter.release_on_behalf_of(me)

    @app.get("/render")
    async def page(_=Depends(place, scope="function")):
        return await render()

    return app
