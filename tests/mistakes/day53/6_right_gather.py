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
        coros = [fetch() for fetch in sources.values()]
        answers = await asyncio.gather(*coros, return_exceptions=True)

        results = {}
        errors = {}
        for name, answer in zip(sources.keys(), answers):
            match answer:
                case Exception():
                    errors[name] = answer.__class__.__name__
                case value:
                    results[name] = value
        return {"results": results, "errors": errors}

    return app
