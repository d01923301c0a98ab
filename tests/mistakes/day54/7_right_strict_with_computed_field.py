import datetime
import logging

from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel, Field, computed_field, ValidationError

log = logging.getLogger("day54")


class Record(BaseModel, strict=True):
    id: int
    name: str
    email: str = Field(pattern=r"^[^@]+@[^@]+$", exclude=True)
    joined: datetime.date

    @computed_field
    def email_hint(self) -> str:
        name, _, host = self.email.partition("@")
        return f"{name[0]}***@{host}"




def exercise_7(find, find_all):
    app = FastAPI()

    @app.get("/users/{id}")
    async def read(id: int) -> Record:
        record = await find(id)
        if record is None:
            raise HTTPException(404)
        try:
            return Record(**record)
        except ValidationError:
            log.exception("a record that doesn't fit")
            raise HTTPException(500) from None

    @app.get("/users")
    async def read_all(response: Response) -> list[Record]:
        users, skipped = [], 0
        for record in await find_all():
            try:
                users.append(Record(**record))
            except ValidationError:
                skipped += 1
        response.headers["X-Skipped"] = str(skipped)
        return users

    return app
