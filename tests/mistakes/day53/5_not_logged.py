import asyncio

from fastapi import BackgroundTasks, FastAPI


async def process_slowly(data):
    await asyncio.sleep(3)


def exercise_5(process=process_slowly):
    app = FastAPI()

    @app.post("/process", status_code=202)
    async def accept(data: dict, background_tasks: BackgroundTasks):
        background_tasks.add_task(process, data)
        return {"status": "accepted"}

    return app
