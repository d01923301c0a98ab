import asyncio
from datetime import datetime, timedelta, timezone
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import JSONResponse


def exercise_5(call):
    app = FastAPI()
    state = {"row": 0, "opened": None, "round": 0, "probe": None}

    async def allowed():
        round_ = state["round"]
        if state["opened"] is None:
            yield round_
            return
        over = datetime.now(timezone.utc) - state["opened"] >= timedelta(seconds=10)
        if not over or state["probe"]:
            raise HTTPException(503, "open", {"Retry-After": "5"})
        state["probe"] = object()
        try:
            yield round_
        finally:
            state["probe"] = None

    def count(round_, good):
        if round_ != state["round"]:
            return
        state["row"] = 0 if good else state["row"] + 1
        if good and state["opened"]:
            state["opened"] = None
            state["round"] += 1
        elif not good and (state["opened"] or state["row"] == 3):
            state["opened"] = datetime.now(timezone.utc)
            state["row"] = 0
            state["round"] += 1

    @app.get("/quote")
    async def quote(round_: Annotated[int, Depends(allowed, scope="function")]):
        try:
            async with asyncio.timeout(1):
                answer = await call()
        except TimeoutError:
            count(round_, False)
            return JSONResponse({"detail": "late"}, 504)
        except Exception:
            count(round_, False)
            return JSONResponse({"detail": "failed"}, 502)
        count(round_, True)
        return answer

    return app
