import asyncio

from fastapi import FastAPI

MAX_CONCURRENT = 2


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        semaphore = asyncio.Semaphore(MAX_CONCURRENT)

        async def limited(fetch):
            async with semaphore:
                return await fetch()

        answers = await asyncio.gather(
            *[limited(fetch) for fetch in sources.values()], return_exceptions=True
        )
        results = {}
        errors = {}
        for name, answer in zip(sources, answers):
            if isinstance(answer, Exception):
                errors[name] = type(answer).__name__
            else:
                results[name] = answer
        return {"results": results, "errors": errors}

    return app
