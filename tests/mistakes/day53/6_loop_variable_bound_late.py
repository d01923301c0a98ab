import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        results = {}
        errors = {}
        tasks = []
        for name, fetch in sources.items():

            async def run():
                try:
                    results[name] = await fetch()
                except Exception as e:
                    errors[name] = type(e).__name__

            tasks.append(asyncio.create_task(run()))
        await asyncio.gather(*tasks)
        return {"results": results, "errors": errors}

    return app
