import logging

from fastapi import FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as StarletteHTTPException

ANSWERS = {LookupError: (404, "not-found"), PermissionError: (403, "forbidden")}
ANSWERS[TimeoutError] = (504, "timeout")


class New(BaseModel):
    key: str = Field(min_length=3, max_length=20)
    secret: str = Field(min_length=8)


class Key(BaseModel):
    key: str


async def known(request, error):
    for kind, (status, name) in ANSWERS.items():
        if isinstance(error, kind):
            return JSONResponse({"error": name}, status)


async def unknown(request, error):
    logging.getLogger("day54.errors").exception("unexpected", exc_info=error)
    return JSONResponse(status_code=500, content={"error": "internal"})


async def http(request, error):
    return JSONResponse(
        {"error": "http", "detail": error.detail}, error.status_code, headers=error.headers
    )


async def invalid(request, error):
    places = {tuple(problem["loc"]) for problem in error.errors()}
    return JSONResponse({"error": "invalid", "fields": sorted(map(list, places))}, 422)


def exercise_5(load):
    handlers = dict.fromkeys(ANSWERS, known)
    handlers |= {Exception: unknown, StarletteHTTPException: http, RequestValidationError: invalid}
    app = FastAPI(exception_handlers=handlers)

    @app.get("/documents/{key}")
    async def read(key):
        return await load(key) or await load(key)

    @app.post("/documents", status_code=201)
    async def create(new: New) -> Key:
        return new

    return app
