from typing import Annotated

from fastapi import FastAPI, Path


def exercise_1():
    app = FastAPI()

    @app.get("/square/{number}")
    async def square(number: Annotated[int, Path(gt=-1, lt=1001)]):
        return {"square": number * number}

    return app
