from typing import Annotated

from fastapi import FastAPI, Path


def exercise_1():
    app = FastAPI()

    @app.get("/square/{number}")
    async def square(number):
        return {"square": number * number}

    return app
