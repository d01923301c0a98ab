import asyncio

from fastapi import FastAPI


async def collect(sources, results={}, errors={}):
    answers = await asyncio.gather(*(f() for f in sources.values()), return_exceptions=True)
    for name, answer in zip(sources, answers):
        if isinstance(answer, Exception):
            errors[name] = type(answer).__name__
        else:
            results[name] = answer
    return {"results": results, "errors": errors}


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        return await collect(sources)

    return app
