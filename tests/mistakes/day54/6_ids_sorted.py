import asyncio
from typing import Annotated

from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field


class User(BaseModel):
    username: str = Field(pattern=r"^[a-z0-9_]{3,20}$")
    email: str = Field(pattern=r"^[^@]+@[^@]+$")


FIELDS = ("username", "email")


def exercise_6(exists, create):
    app = FastAPI()

    async def created(user):
        try:
            return await create(user.model_dump())
        except KeyError:
            raise HTTPException(409) from None

    @app.post("/users", status_code=201)
    async def create_one(user: User):
        answers = await asyncio.gather(*(exists(name, getattr(user, name)) for name in FIELDS))
        taken = [name for name, is_taken in zip(FIELDS, answers) if is_taken]
        if taken:
            return JSONResponse({"taken": taken}, 409)
        return {"id": await created(user)}

    @app.post("/users/batch", status_code=201)
    async def create_many(users: Annotated[list[User], Field(min_length=1, max_length=100)]):
        limit = asyncio.Semaphore(10)
        asked = {}

        async def ask(name, value):
            async with limit:
                return await exists(name, value)

        async def is_taken(task, is_first):
            return await task or not is_first

        checks = []
        async with asyncio.TaskGroup() as group:
            for user in users:
                for name in FIELDS:
                    question = name, getattr(user, name)
                    is_first = question not in asked
                    if is_first:
                        asked[question] = group.create_task(ask(*question))
                    checks.append((asked[question], is_first))
        errors = []
        for index, user in enumerate(users):
            pair = checks[2 * index : 2 * index + 2]
            taken = [name for name, check in zip(FIELDS, pair) if await is_taken(*check)]
            if taken:
                errors.append({"index": index, "taken": taken})
        if errors:
            return JSONResponse({"errors": errors}, 409)
        return {"ids": sorted([await created(user) for user in users])}

    return app
