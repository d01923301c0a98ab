import asyncio

from fastapi import FastAPI, HTTPException


class Tries:
    statuses = {TimeoutError: 504, ConnectionError: 502}


def exercise_1(call):
    async def attempt():
        task = asyncio.ensure_future(call())
        done, _ = await asyncio.wait([task], timeout=2)
        if done:
            return task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise asyncio.TimeoutError

    app = FastAPI()

    @app.get("/rates")
    async def rates():
        if getattr(app.state, "down", False):
            raise HTTPException(502)
        status = 502
        for _ in "12":
            try:
                return await attempt()
            except TimeoutError:
                status = 504
            except ConnectionError:
                status = 502
            except Exception:
                status = 502
                break
        app.state.down = True
        raise HTTPException(status)

    return app
