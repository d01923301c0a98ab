import asyncio

from fastapi import APIRouter, FastAPI


def exercise_6(sources):
    router = APIRouter(prefix="/api")

    @router.get("/aggregate")
    async def aggregate():
        answers = await asyncio.gather(*(f() for f in sources.values()), return_exceptions=True)
        results, errors = {}, {}
        for name, answer in zip(sources, answers):
            if isinstance(answer, Exception):
                errors[name] = type(answer).__name__
            else:
                results[name] = answer
        return {"results": results, "errors": errors}

    app = FastAPI()
    app.include_router(router)
    return app
