from fastapi import FastAPI


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        async for row in read_rows():
            yield row

    return app
