import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI


def exercise_6(sources: dict[str, Callable[[], Awaitable[Any]]]):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate() -> dict[str, dict[str, Any]]:
        results: dict[str, Any] = {}
        errors: dict[str, Any] = {}

        async def run(name: str) -> None:
            try:
                results[name] = await sources[name]()
            except Exception as e:
                errors[name] = repr(e)

        async with asyncio.TaskGroup() as tg:
            for name in sources:
                tg.create_task(run(name))
        return {"results": results, "errors": errors}

    return app
