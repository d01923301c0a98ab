import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        tasks = {}
        async with asyncio.TaskGroup() as tg:
            for name, fetch in sources.items():
                tasks[name] = tg.create_task(fetch())
        results = {}
        errors = {}
        for name, task in tasks.items():
            if task.exception():
                errors[name] = type(task.exception()).__name__
            else:
                results[name] = task.result()
        return {"results": results, "errors": errors}

    return app
