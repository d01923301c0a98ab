import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        tasks = {name: asyncio.create_task(fetch()) for name, fetch in sources.items()}
        while not all(task.done() for task in tasks.values()):
            await asyncio.sleep(0)
        results, errors = {}, {}
        for name, task in tasks.items():
            if task.exception():
                errors[name] = type(task.exception()).__name__
            else:
                results[name] = task.result()
        return {"results": results, "errors": errors}

    return app
