import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        tasks = {name: asyncio.create_task(fetch()) for name, fetch in sources.items()}
        results = {}
        errors = {}
        for name, task in tasks.items():
            try:
                results[name] = await task
            except Exception as e:
                errors[name] = type(e).__name__
        return {"results": results, "errors": errors}

    return app
