from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI


def exercise_2(open_config, open_database, open_cache):
    @asynccontextmanager
    async def closing(opening):
        resource = await opening()
        try:
            yield resource
        finally:
            await resource.close()

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with AsyncExitStack() as stack:
            for opening in (open_config, open_database, open_cache):
                await stack.enter_async_context(closing(opening))
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/health")
    async def health():
        return {"status": "ok"}

    return app
