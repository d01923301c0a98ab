import traceback

from fastapi import BackgroundTasks, FastAPI


def exercise_5(process):
    app = FastAPI()

    async def run(data):
        try:
            await process(data)
            print("done:", data)
        except Exception:
            traceback.print_exc()

    @app.post("/process", status_code=202)
    async def accept(data: dict, background_tasks: BackgroundTasks):
        background_tasks.add_task(run, data)
        return {"status": "accepted"}

    return app
