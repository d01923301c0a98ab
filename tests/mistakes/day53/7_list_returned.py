from fastapi import FastAPI


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        rows = []
        async for row in read_rows():
            rows.append(row)
        return rows

    return app
