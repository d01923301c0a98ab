import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()
    results = {}
    errors = {}

    async def ask(name, fetch):
        try:
            results[name] = await fetch()
        except Exception as e:
            errors[name] = type(e).__name__

    @app.get("/aggregate")
    async def aggregate():
        results.clear()
        errors.clear()
        async with asyncio.TaskGroup() as tg:
            for name, fetch in sources.items():
                tg.create_task(ask(name, fetch))
        return {"results": results, "errors": errors}

    return app
