import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        results = {}

        async def fetch(name, source):
            try:
                results[name] = await source()
            except Exception:
                pass

        async with asyncio.TaskGroup() as tg:
            for name, source in sources.items():
                tg.create_task(fetch(name, source))
        return {"results": results, "errors": {}}

    return app
