import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        answers = await asyncio.gather(
            *(fetch() for fetch in sources.values()), return_exceptions=True
        )
        return {"results": dict(zip(sources, answers)), "errors": {}}

    return app
