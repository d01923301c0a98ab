import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        answers = await asyncio.gather(*(f() for f in sources.values()), return_exceptions=True)
        pairs = list(zip(sources, answers))
        return {
            "results": {n: a for n, a in pairs if not isinstance(a, Exception)},
            "errors": [n for n, a in pairs if isinstance(a, Exception)],
        }

    return app
