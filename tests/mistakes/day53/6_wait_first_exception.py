import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        tasks = {asyncio.create_task(fetch()): name for name, fetch in sources.items()}
        results, errors = {}, {}
        if tasks:
            done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                if task.exception():
                    errors[tasks[task]] = type(task.exception()).__name__
                else:
                    results[tasks[task]] = task.result()
        return {"results": results, "errors": errors}

    return app
