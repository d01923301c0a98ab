import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    async def fetch_one(fetch):
        async with asyncio.timeout(2):
            return await fetch()

    @app.get("/aggregate")
    async def aggregate():
        answers = await asyncio.gather(
            *(fetch_one(f) for f in sources.values()), return_exceptions=True
        )
        results = {n: a for n, a in zip(sources, answers) if not isinstance(a, Exception)}
        errors = {n: type(a).__name__ for n, a in zip(sources, answers) if isinstance(a, Exception)}
        return {"results": results, "errors": errors}

    return app
