import asyncio

from fastapi import FastAPI


async def named(name, fetch):
    try:
        return name, await fetch(), None
    except Exception as error:
        return name, None, type(error).__name__


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        results, errors = {}, {}
        for finished in asyncio.as_completed([named(*item) for item in sources.items()]):
            name, value, error = await finished
            if error is None:
                results[name] = value
            else:
                errors[name] = error
        return {"results": results, "errors": errors}

    return app
