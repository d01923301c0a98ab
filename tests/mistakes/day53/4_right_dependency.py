import asyncio
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException


@asynccontextmanager
async def gateway(seconds: float):
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise HTTPException(504, "the gateway timed out") from None
    except HTTPException:
        raise
    except Exception:
        raise HTTPException(502, "the gateway got a bad answer") from None


def exercise_4(fetch):
    async def fetched() -> Any:
        async with gateway(2):
            return await fetch()

    app = FastAPI()

    @app.get("/external")
    async def external(value: Annotated[Any, Depends(fetched)]):
        return value

    return app
