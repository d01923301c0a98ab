import asyncio

from fastapi import FastAPI, HTTPException


def exercise_7(render):
    app = FastAPI()
    at_work = 0
    waiting = 0

    @app.get("/render")
    async def page():
        nonlocal at_work, waiting
        if at_work >= 5:
            if waiting >= 10:
                raise HTTPException(503, headers={"Retry-After": "1"})
            waiting += 1
            try:
                for _ in range(20):
                    await asyncio.sleep(0.1)
                    if at_work < 5:
                        break
                else:
                    raise HTTPException(503, headers={"Retry-After": "1"})
            finally:
                waiting -= 1
        at_work += 1
        try:
            return await render()
        finally:
            at_work -= 1

    return app
