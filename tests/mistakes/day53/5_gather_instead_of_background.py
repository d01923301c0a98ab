import asyncio
import logging

from fastapi import FastAPI
from fastapi.responses import JSONResponse


def exercise_5(process):
    app = FastAPI()
    logger = logging.getLogger("day53")

    async def run(data):
        try:
            await process(data)
            logger.info("Processing finished")
        except Exception:
            logger.exception("Processing failed")

    async def respond():
        return JSONResponse({"status": "accepted"}, status_code=202)

    @app.post("/process")
    async def process_endpoint(data: dict):
        response, _ = await asyncio.gather(respond(), run(data))
        return response

    return app
