import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate() -> dict[str, dict[str, str]]:
        answers = await asyncio.gather(*(f() for f in sources.values()), return_exceptions=True)
        results, errors = {}, {}
        for name, answer in zip(sources, answers):
            if isinstance(answer, Exception):
                errors[name] = type(answer).__name__
            else:
                results[name] = answer
        return {"results": results, "errors": errors}

    return app
