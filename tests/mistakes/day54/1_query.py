from typing import Annotated

from fastapi import FastAPI, Path


def exercise_1():
    app = FastAPI()

    @app.get("/square/{n}")
    async def square(number: Annotated[int, Path(ge=0, le=1000)]):
        return {"square": number * number}

    return app
