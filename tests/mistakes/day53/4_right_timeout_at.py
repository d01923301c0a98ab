import asyncio

from fastapi import APIRouter, FastAPI, HTTPException


async def within(seconds, coroutine):
    deadline = asyncio.get_running_loop().time() + seconds
    async with asyncio.timeout_at(deadline):
        return await coroutine


def exercise_4(fetch):
    router = APIRouter()

    @router.get("/external")
    async def external():
        try:
            return await within(2, fetch())
        except HTTPException:
            raise
        except TimeoutError:
            raise HTTPException(504)
        except Exception:
            raise HTTPException(502)

    app = FastAPI()
    app.include_router(router)
    return app
