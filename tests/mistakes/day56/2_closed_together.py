import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI


def exercise_2(open_config, open_database, open_cache):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with AsyncExitStack() as stack:
            resources = []
            for opening in (open_config, open_database, open_cache):
                resources.append(await opening())
            try:
                yield
            finally:
                await asyncio.gather(*(each.close() for each in resources), return_exceptions=True)

    app = FastAPI(lifespan=lifespan)

    @app.get("/health")
    async def health():
        return {"status": "ok"}

    return app
