import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()
    cache = {}

    async def one(name):
        try:
            return "results", name, await sources[name]()
        except Exception as exc:
            return "errors", name, type(exc).__name__

    @app.get("/aggregate")
    async def aggregate():
        if "answer" not in cache:
            answer = {"results": {}, "errors": {}}
            for kind, name, value in await asyncio.gather(*map(one, sources)):
                answer[kind][name] = value
            cache["answer"] = answer
        return cache["answer"]

    return app
