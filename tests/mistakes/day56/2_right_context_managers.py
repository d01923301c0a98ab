from contextlib import asynccontextmanager

from fastapi import FastAPI


def exercise_2(open_config, open_database, open_cache):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        @asynccontextmanager
        async def opened(opening):
            resource = await opening()
            try:
                yield resource
            finally:
                await resource.close()

        async with opened(open_config), opened(open_database), opened(open_cache):
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/health")
    async def health():
        return {"status": "ok"}

    return app
