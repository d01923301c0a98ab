from fastapi import FastAPI


def exercise_1():
    app = FastAPI()

    @app.get("/square/{number}")
    async def square(number: int):
        assert 0 <= number <= 1000
        return {"square": number * number}

    return app
