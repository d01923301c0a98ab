import logging
import threading
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response
from pydantic import BaseModel

log = logging.getLogger("day56")


class Question(BaseModel):
    x: float


def exercise_6(load_model):
    models = []

    def load():
        try:
            models.append(load_model())
        except Exception:
            log.exception("no model")

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        threading.Thread(target=load, daemon=True).start()
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/live")
    def live():
        return None

    @app.post("/predict")
    async def predict(question: Question, response: Response):
        if not models:
            response.status_code = 503
            response.headers["Retry-After"] = "20"
            return {"detail": "wait"}
        return {"y": models[0](question.x)}

    return app
