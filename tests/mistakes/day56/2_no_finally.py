from contextlib import asynccontextmanager

from fastapi import FastAPI


def exercise_2(open_config, open_database, open_cache):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        config = await open_config()
        database = await open_database()
        cache = await open_cache()
        yield
        await cache.close()
        await database.close()
        await config.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/health")
    async def health():
        return {"status": "ok"}

    return app
