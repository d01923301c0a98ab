from typing import Annotated

from fastapi import FastAPI


def exercise_1():
    app = FastAPI()

    @app.get("/square/{number}")
    async def square(number: Annotated[int, range(1001)]):
        return {"square": number * number}

    return app
