from fastapi import FastAPI, HTTPException


def exercise_1():
    app = FastAPI()

    @app.get("/square/{number}")
    async def square(number: int):
        if not 0 <= number <= 1000:
            return HTTPException(422, "from 0 to 1000")
        return {"square": number * number}

    return app
