import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI


def exercise_2(open_config, open_database, open_cache):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        opened = []
        try:
            for opening in (open_config, open_database, open_cache):
                opened.append(await opening())
            yield
        finally:
            for resource in reversed(opened):
                try:
                    await resource.close()
                except Exception:
                    logging.exception("did not close")

    app = FastAPI(lifespan=lifespan)

    @app.get("/health")
    async def health():
        return {"status": "ok"}

    return app
