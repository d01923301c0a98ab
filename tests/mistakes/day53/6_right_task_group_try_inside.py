import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel


class Aggregate(BaseModel):
    results: dict[str, Any] = {}
    errors: dict[str, str] = {}


def exercise_6(sources: dict[str, Callable[[], Awaitable[Any]]]):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate() -> Aggregate:
        answer = Aggregate()

        async def ask(name: str) -> None:
            try:
                answer.results[name] = await sources[name]()
            except Exception as error:
                answer.errors[name] = type(error).__name__

        async with asyncio.TaskGroup() as group:
            for name in sources:
                group.create_task(ask(name))
        return answer

    return app
