from typing import Annotated

from fastapi import FastAPI
from pydantic import Field


def exercise_1():
    app = FastAPI()

    @app.get("/square/{number}")
    async def square(number: Annotated[int, Field(ge=0, le=1000)]):
        return {"square": number * number}

    return app
