import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        results, errors = {}, {}
        for name, source in sources.items():
            task = asyncio.create_task(source(), name=name)
            try:
                results[name] = await task
            except Exception as exc:
                errors[name] = exc.__class__.__name__
        return {"results": results, "errors": errors}

    return app
