import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import BackgroundTasks, FastAPI

import logging.config

logger = logging.getLogger("day53")


def exercise_5(process):
    logging.config.dictConfig({
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"out": {"class": "logging.StreamHandler"}},
        "root": {"handlers": ["out"], "level": "WARNING"},
        "loggers": {"day53": {"handlers": ["out"], "level": "INFO", "propagate": False}},
    })

    app = FastAPI()

    async def run(data):
        try:
            await process(data)
            logger.info("done")
        except Exception:
            logger.exception("failed")

    @app.post("/process", status_code=202)
    async def accept(data: dict, background_tasks: BackgroundTasks):
        background_tasks.add_task(run, data)
        return {"status": "accepted"}
    return app
