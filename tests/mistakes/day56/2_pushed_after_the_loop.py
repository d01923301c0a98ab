from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI


def exercise_2(open_config, open_database, open_cache):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with AsyncExitStack() as stack:
            config = await open_config()
            database = await open_database()
            cache = await open_cache()
            for each in (config, database, cache):
                stack.push_async_callback(each.close)
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/health")
    async def health():
        return {"status": "ok"}

    return app
