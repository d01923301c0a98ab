import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        results, errors = {}, []
        got = await asyncio.gather(*(f() for f in sources.values()), return_exceptions=True)
        for n, v in zip(sources, got):
            if isinstance(v, Exception):
                errors.append(n)
            else:
                results[n] = v
        return {"results": results, "errors": errors}

    return app
