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
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/live")
    async def live():
        return {"status": "alive"}

    @app.post("/predict")
    async def predict(question: Question):
        model = await asyncio.to_thread(load_model)
        return {"y": model(question.x)}

    return app
