import json
import logging
from typing import Any

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    @app.post("/process")
    async def accept(data: dict[str, Any]):
        async def answer_then_work():
            yield json.dumps({"status": "accepted"})
            try:
                await process(data)
                log.info("finished %s", data)
            except Exception:
                log.exception("could not process %s", data)

        return StreamingResponse(answer_then_work(), status_code=202, media_type="application/json")

    return app
