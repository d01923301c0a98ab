import asyncio
from typing import Annotated

from fastapi import Body, FastAPI, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

FIELDS = ("username", "email")


class User(BaseModel):
    username: str = Field(pattern=r"^[a-z0-9_]{3,20}$")
    email: str = Field(pattern=r"^[^@]+@[^@]+$")


def exercise_6(exists, create):
    app = FastAPI()

    @app.post("/users", status_code=201)
    async def one(user: User):
        async with asyncio.TaskGroup() as group:
            asked = {f: group.create_task(exists(f, getattr(user, f))) for f in FIELDS}
        taken = [f for f in FIELDS if asked[f].result()]
        if taken:
            return JSONResponse({"taken": taken}, 409)
        try:
            return {"id": await create(user.model_dump())}
        except KeyError:
            raise HTTPException(409, "taken") from None

    @app.post("/users/batch", status_code=201)
    async def batch(users: Annotated[list[User], Body(min_length=1, max_length=100)]):
        limit = asyncio.Semaphore(10)

        async def ask(field, value):
            async with limit:
                return await exists(field, value)

        asked = {}
        async with asyncio.TaskGroup() as group:
            for user in users:
                for f in FIELDS:
                    key = f, getattr(user, f)
                    if key not in asked:
                        asked[key] = group.create_task(ask(*key))
        seen = set()
        errors = []
        for index, user in enumerate(users, 1):
            taken = []
            for f in FIELDS:
                key = f, getattr(user, f)
                if key in seen or asked[key].result():
                    taken.append(f)
                seen.add(key)
            if taken:
                errors.append({"index": index, "taken": taken})
        if errors:
            return JSONResponse({"errors": errors}, 409)
        ids = []
        try:
            for user in users:
                ids.append(await create(user.model_dump()))
        except KeyError:
            raise HTTPException(409, "taken") from None
        return {"ids": ids}

    return app
