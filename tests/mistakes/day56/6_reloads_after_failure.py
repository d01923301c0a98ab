import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

log = logging.getLogger("day56")


class Question(BaseModel):
    x: float


def exercise_6(load_model):
    async def load(app):
        try:
            app.state.model = await asyncio.to_thread(load_model)
        except Exception:
            log.exception("loading failed")

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        app.state.model = None
        app.state.loading = asyncio.create_task(load(app))
        yield
        app.state.loading.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.get("/live")
    async def live():
        return {"status": "alive"}

    @app.post("/predict")
    async def predict(question: Question):
        if app.state.model is None and app.state.loading.done():
            app.state.loading = asyncio.create_task(load(app))
        if app.state.model is None:
            raise HTTPException(503, "still loading", headers={"Retry-After": "5"})
        return {"y": app.state.model(question.x)}

    return app
