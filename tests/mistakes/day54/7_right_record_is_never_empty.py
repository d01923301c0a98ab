import datetime
import logging

from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel, Field, ValidationError

log = logging.getLogger("day54")


class Record(BaseModel):
    id: int
    name: str
    email: str = Field(pattern=r"^[^@]+@[^@]+$")
    joined: datetime.date


class Shown(BaseModel):
    id: int
    name: str
    email_hint: str
    joined: datetime.date


def shown(record):
    known = Record.model_validate(record)
    name, _, host = known.email.partition("@")
    hint = f"{name[0]}***@{host}"
    return Shown(id=known.id, name=known.name, email_hint=hint, joined=known.joined)


def exercise_7(find, find_all):
    app = FastAPI()

    @app.get("/users/{id}")
    async def read(id: int) -> Shown:
        record = await find(id)
        if not record:
            raise HTTPException(404)
        try:
            return shown(record)
        except ValidationError:
            log.exception("a record that doesn't fit")
            raise HTTPException(500) from None

    @app.get("/users")
    async def read_all(response: Response) -> list[Shown]:
        users, skipped = [], 0
        for record in await find_all():
            try:
                users.append(shown(record))
            except ValidationError:
                skipped += 1
        response.headers["X-Skipped"] = str(skipped)
        return users

    return app
