import anyio
from fastapi import APIRouter, FastAPI


def exercise_6(sources):
    router = APIRouter()

    @router.get("/aggregate")
    async def aggregate():
        answer = {"results": {}, "errors": {}}

        async def ask(name, fetch):
            try:
                value = await fetch()
            except Exception as exc:
                answer["errors"][name] = type(exc).__name__
            else:
                answer["results"][name] = value

        async with anyio.create_task_group() as tg:
            for name, fetch in sources.items():
                tg.start_soon(ask, name, fetch)
        return answer

    app = FastAPI()
    app.include_router(router)
    return app
