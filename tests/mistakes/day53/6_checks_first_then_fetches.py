import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    async def check(fetch):
        try:
            await fetch()
            return None
        except Exception as e:
            return type(e).__name__

    @app.get("/aggregate")
    async def aggregate():
        problems = await asyncio.gather(*[check(f) for f in sources.values()])
        errors = {n: p for n, p in zip(sources, problems) if p}
        working = [n for n in sources if n not in errors]
        values = await asyncio.gather(*[sources[n]() for n in working])
        return {"results": dict(zip(working, values)), "errors": errors}

    return app
