import asyncio

from fastapi import FastAPI, HTTPException


def exercise_7(render):
    app = FastAPI()
    at_work = 0
    waiting = []

    def busy():
        return HTTPException(503, "busy", headers={"Retry-After": "1"})

    async def get_place():
        nonlocal at_work
        if at_work < 5:
            at_work += 1
            return
        if len(waiting) >= 10:
            raise busy()
        turn = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            async with asyncio.timeout(2):
                await turn
        except TimeoutError:
            raise busy()
        finally:
            if turn in waiting:
                waiting.remove(turn)

    def give_place():
        nonlocal at_work
        if waiting:
            waiting.pop().set_result(None)
        else:
            at_work -= 1

    @app.get("/render")
    async def page():
        await get_place()
        try:
            return await render()
        finally:
            give_place()

    return app
