import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        tasks = [asyncio.create_task(fetch(), name=name) for name, fetch in sources.items()]
        if tasks:
            await asyncio.wait(tasks)
        return {
            "results": {t.get_name(): t.result() for t in tasks if t.exception() is None},
            "errors": {t.get_name(): type(e).__name__ for t in tasks if (e := t.exception())},
        }

    return app
