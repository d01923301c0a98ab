import asyncio

from fastapi import FastAPI


async def fetch_weather():
    await asyncio.sleep(1)
    return "sunny"


async def fetch_news():
    await asyncio.sleep(0.5)
    raise ConnectionError("news.internal:8080 refused the connection")


def exercise_6(sources={"weather": fetch_weather, "news": fetch_news}):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        results = {}
        errors = {}
        for name, fetch in sources.items():
            try:
                results[name] = await fetch()
            except Exception as e:
                errors[name] = type(e).__name__
        return {"results": results, "errors": errors}

    return app
