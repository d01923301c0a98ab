import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    async def fetch_with_retry(fetch, attempts=2):
        for attempt in range(attempts):
            try:
                return await fetch()
            except Exception:
                if attempt == attempts - 1:
                    raise

    @app.get("/aggregate")
    async def aggregate():
        answers = await asyncio.gather(
            *(fetch_with_retry(fetch) for fetch in sources.values()), return_exceptions=True
        )
        out = {"results": {}, "errors": {}}
        for name, answer in zip(sources, answers):
            if isinstance(answer, BaseException):
                out["errors"][name] = type(answer).__name__
            else:
                out["results"][name] = answer
        return out

    return app
