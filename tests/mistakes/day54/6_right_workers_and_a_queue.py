import asyncio
import re

from fastapi import Body, FastAPI, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, field_validator
from typing import Annotated


class User(BaseModel):
    username: str
    email: str

    @field_validator("username")
    @classmethod
    def name_has_its_form(cls, name):
        if not re.fullmatch("[a-z0-9_]{3,20}", name):
            raise ValueError("3 to 20 of a-z 0-9 _")
        return name

    @field_validator("email")
    @classmethod
    def email_has_its_form(cls, email):
        local, *rest = email.split("@")
        if len(rest) != 1 or not local or not rest[0]:
            raise ValueError("one @")
        return email


async def answers_to(questions, exists):
    found, waiting = {}, iter(questions)

    async def worker():
        for question in waiting:
            found[question] = await exists(*question)

    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(worker())
    return found


def questions_of(user):
    return [("username", user.username), ("email", user.email)]


def exercise_6(exists, create):
    app = FastAPI()

    @app.post("/users")
    async def one(user: User, response: Response):
        found = await answers_to(questions_of(user), exists)
        taken = [question[0] for question in questions_of(user) if found[question]]
        if taken:
            return JSONResponse({"taken": taken}, 409)
        try:
            id = await create({"username": user.username, "email": user.email})
        except KeyError:
            return Response(status_code=409)
        response.status_code = 201
        return {"id": id}

    @app.post("/users/batch", status_code=201)
    async def many(users: Annotated[list[User], Body(min_length=1, max_length=100)]):
        found = await answers_to(dict.fromkeys(q for u in users for q in questions_of(u)), exists)
        errors = []
        for index, user in enumerate(users):
            taken = []
            for question in questions_of(user):
                if found[question]:
                    taken.append(question[0])
                found[question] = True
            if taken:
                errors.append({"index": index, "taken": taken})
        if errors:
            return JSONResponse({"errors": errors}, 409)
        ids = []
        for user in users:
            try:
                ids.append(await create(user.model_dump()))
            except KeyError:
                return JSONResponse({"created": ids}, 409)
        return {"ids": ids}

    return app
