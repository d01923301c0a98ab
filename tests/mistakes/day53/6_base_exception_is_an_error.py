import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        results, errors = {}, {}

        async def ask(name, fetch):
            try:
                results[name] = await fetch()
            except BaseException as error:
                errors[name] = type(error).__name__

        try:
            await asyncio.gather(*(ask(name, fetch) for name, fetch in sources.items()))
        except BaseException:
            pass
        return {"results": results, "errors": errors}

    return app
