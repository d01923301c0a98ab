from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI


def exercise_2(open_config, open_database, open_cache):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with AsyncExitStack() as stack:
            for opening in (open_config, open_database, open_cache):
                resource = await opening()
                stack.push_async_callback(resource.close())
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/health")
    async def health():
        return {"status": "ok"}

    return app
