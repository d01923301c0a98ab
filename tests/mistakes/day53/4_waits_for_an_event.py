import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        ready = asyncio.Event()

        async def run():
            async with asyncio.timeout(2):
                result = await fetch()
            ready.set()
            return result

        task = asyncio.create_task(run())
        await ready.wait()
        try:
            return task.result()
        except TimeoutError:
            raise HTTPException(504, "timeout")
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "bad gateway")

    return app
