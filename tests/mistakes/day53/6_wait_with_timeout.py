import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        tasks = {name: asyncio.create_task(fetch()) for name, fetch in sources.items()}
        if tasks:
            await asyncio.wait(tasks.values(), timeout=1)
        results, errors = {}, {}
        for name, task in tasks.items():
            if not task.done():
                errors[name] = "TimeoutError"
            elif task.exception():
                errors[name] = type(task.exception()).__name__
            else:
                results[name] = task.result()
        return {"results": results, "errors": errors}

    return app
