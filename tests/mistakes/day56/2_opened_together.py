import asyncio
from contextlib import asynccontextmanager

from fastapi import FastAPI


def exercise_2(open_config, open_database, open_cache):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        config, database, cache = await asyncio.gather(
            open_config(), open_database(), open_cache()
        )
        try:
            yield
        finally:
            await cache.close()
            await database.close()
            await config.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/health")
    async def health():
        return {"status": "ok"}

    return app
