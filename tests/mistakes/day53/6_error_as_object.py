import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        responses = await asyncio.gather(
            *[source() for source in sources.values()], return_exceptions=True
        )
        results = {}
        errors = {}
        for name, response in zip(sources, responses):
            if isinstance(response, Exception):
                errors[name] = {"message": "not available", "retry": True}
            else:
                results[name] = response
        return {"results": results, "errors": errors}

    return app
