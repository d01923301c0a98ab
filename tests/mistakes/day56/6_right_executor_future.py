import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import Body, FastAPI, HTTPException

log = logging.getLogger("day56")


def exercise_6(load_model):
    def load():
        try:
            return load_model()
        except Exception:
            log.exception("no model")

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        app.state.model = asyncio.get_running_loop().run_in_executor(None, load)
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/live")
    async def live():
        return "alive"

    @app.post("/predict")
    async def predict(x: float = Body(embed=True)):
        model = app.state.model.result() if app.state.model.done() else None
        if model is None:
            raise HTTPException(503, headers={"Retry-After": "30"})
        return {"y": model(x)}

    return app
