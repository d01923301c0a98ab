import itertools
from datetime import datetime, timedelta, timezone
from typing import Annotated, Literal

from fastapi import Body, FastAPI, HTTPException
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

Utc = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(timezone.utc))]


class Card(BaseModel, extra="forbid"):
    method: Literal["card"]
    last4: Annotated[str, Field(pattern=r"^\d{4}$")]


class Invoice(BaseModel, extra="forbid"):
    method: Literal["invoice"]
    vat: Annotated[str, Field(min_length=5)]


class Booking(BaseModel, extra="forbid"):
    room: Annotated[str, Field(pattern=r"^[A-Z]-\d\d\d$")]
    start: Utc
    end: Utc
    guests: Annotated[int, Field(ge=1, le=8)]
    payment: Card | Invoice = Field(discriminator="method")


class Stored(Booking):
    id: int


def check(booking):
    if booking.end <= booking.start:
        raise HTTPException(422, "ends too early")
    if booking.end > booking.start + timedelta(days=14):
        raise HTTPException(422, "too long")


def exercise_4():
    app = FastAPI()
    ids = itertools.count(1)
    stored = {}

    @app.post("/bookings", status_code=201)
    async def create(booking: Booking) -> Stored:
        check(booking)
        id = next(ids)
        stored[id] = Stored(id=id, **booking.model_dump())
        return stored[id]

    @app.get("/bookings/{id}")
    async def read(id: int) -> Stored:
        try:
            return stored[id]
        except KeyError:
            raise HTTPException(404)

    @app.patch("/bookings/{id}")
    async def change(id: int, changes: Annotated[dict, Body()]) -> Stored:
        before = await read(id)
        try:
            after = Booking(**before.model_dump(exclude={"id"}) | changes)
        except ValueError:
            raise HTTPException(422, "invalid")
        check(after)
        stored[id] = Stored(id=id, **after.model_dump())
        return stored[id]

    return app
