import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        tasks = {}
        try:
            async with asyncio.TaskGroup() as group:
                for name, source in sources.items():
                    tasks[name] = group.create_task(source())
        except* Exception:
            pass

        results = {}
        errors = {}
        for name, task in tasks.items():
            if task.cancelled():
                errors[name] = "CancelledError"
            elif task.exception() is not None:
                errors[name] = type(task.exception()).__name__
            else:
                results[name] = task.result()
        return {"results": results, "errors": errors}

    return app
