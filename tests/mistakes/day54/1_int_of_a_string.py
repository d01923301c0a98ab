from fastapi import FastAPI, HTTPException


def exercise_1():
    app = FastAPI()

    @app.get("/square/{number}")
    async def square(number: str):
        value = int(number)
        if not 0 <= value <= 1000:
            raise HTTPException(422)
        return {"square": value * value}

    return app
