import asyncio

from fastapi import FastAPI, HTTPException


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        results = {}
        errors = {}

        async def fetch_one(name, fetch):
            try:
                results[name] = await fetch()
            except Exception as e:
                errors[name] = type(e).__name__

        await asyncio.gather(*[fetch_one(name, fetch) for name, fetch in sources.items()])
        if not results:
            raise HTTPException(status_code=503, detail="all sources failed")
        return {"results": results, "errors": errors}

    return app
