import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        results = {}
        errors = {}
        for name, fetch in sources.items():
            try:
                async with asyncio.TaskGroup() as tg:
                    task = tg.create_task(fetch())
                results[name] = task.result()
            except* Exception as group:
                errors[name] = type(group.exceptions[0]).__name__
        return {"results": results, "errors": errors}

    return app
