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
        weather, news = await asyncio.gather(
            sources["weather"](),
            sources["news"](),
            return_exceptions=True,
        )
        results, errors = {}, {}
        for name, value in (("weather", weather), ("news", news)):
            if isinstance(value, Exception):
                errors[name] = type(value).__name__
            else:
                results[name] = value
        return {"results": results, "errors": errors}

    return app
