import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        answers = await asyncio.gather(*(f() for f in sources.values()), return_exceptions=True)
        good = [a for a in answers if not isinstance(a, Exception)]
        bad = [a for a in answers if isinstance(a, Exception)]
        names = iter(sources)
        return {
            "results": {name: value for value, name in zip(good, names)},
            "errors": {name: type(error).__name__ for error, name in zip(bad, names)},
        }

    return app
