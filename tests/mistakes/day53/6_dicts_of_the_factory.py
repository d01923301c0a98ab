import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()
    results = {}
    errors = {}


    @app.get("/aggregate")
    async def aggregate():
        async def ask(name, fetch):
            try:
                results[name] = await fetch()
            except Exception as error:
                errors[name] = type(error).__name__

        await asyncio.gather(*(ask(name, fetch) for name, fetch in sources.items()))
        return {"results": results, "errors": errors}

    return app
