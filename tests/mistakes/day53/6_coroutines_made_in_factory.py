import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()
    fetches = {name: fetch() for name, fetch in sources.items()}

    @app.get("/aggregate")
    async def aggregate():
        answers = await asyncio.gather(*fetches.values(), return_exceptions=True)
        results, errors = {}, {}
        for name, answer in zip(fetches, answers):
            if isinstance(answer, Exception):
                errors[name] = type(answer).__name__
            else:
                results[name] = answer
        return {"results": results, "errors": errors}

    return app
