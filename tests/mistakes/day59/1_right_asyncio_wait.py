import asyncio

from fastapi import FastAPI, Response


def exercise_1(call):
    app = FastAPI()

    async def attempt():
        task = asyncio.ensure_future(call())
        try:
            done, _ = await asyncio.wait({task}, timeout=2)
        finally:
            task.cancel()
        if not done:
            return 504, None
        error = task.exception()
        if isinstance(error, ConnectionError):
            return 502, None
        return (500, None) if error else (200, task.result())

    @app.get("/rates")
    async def rates(response: Response):
        status, answer = await attempt()
        if status in (502, 504):
            status, answer = await attempt()
        response.status_code = 502 if status == 500 else status
        return answer

    return app
