import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

log = logging.getLogger("day54")


class Document(BaseModel):
    key: str = Field(min_length=3, max_length=20)
    secret: str = Field(min_length=8)


def exercise_5(load):
    app = FastAPI()

    @app.get("/documents/{key}")
    async def read(key: str):
        return await load(key)

    @app.post("/documents", status_code=201)
    async def create(document: Document):
        return {"key": document.key}

    @app.exception_handler(LookupError)
    async def not_found(request: Request, error: LookupError):
        return JSONResponse({"error": "not-found"}, 404)

    @app.exception_handler(PermissionError)
    async def forbidden(request: Request, error: PermissionError):
        return JSONResponse({"error": "forbidden"}, 403)

    @app.exception_handler(TimeoutError)
    async def timeout(request: Request, error: TimeoutError):
        return JSONResponse({"error": "timeout"}, 504)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException):
        body = {"error": "http", "detail": error.detail}
        return JSONResponse(body, error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError):
        fields = [problem["loc"][-1] for problem in error.errors()]
        return JSONResponse({"error": "invalid", "fields": fields}, 422)

    @app.exception_handler(Exception)
    async def internal(request: Request, error: Exception):
        log.error("failed", exc_info=error)
        return JSONResponse({"error": "internal"}, 500)

    return app
