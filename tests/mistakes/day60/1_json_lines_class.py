from fastapi import FastAPI


def exercise_1(ticks):
    app = FastAPI()

    @app.get("/ticks")
    async def stream():
        async for tick in ticks():
            yield tick

    return app
