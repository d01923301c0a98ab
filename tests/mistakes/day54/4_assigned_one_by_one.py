import datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator


class Exact(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class Card(Exact):
    method: Literal["card"]
    last4: str = Field(pattern=r"^[0-9]{4}$")


class Invoice(Exact):
    method: Literal["invoice"]
    vat: str = Field(min_length=5)


class Booking(Exact):
    room: str = Field(pattern=r"^[A-Z]-[0-9]{3}$")
    start: AwareDatetime
    end: AwareDatetime
    guests: int = Field(ge=1, le=8)
    payment: Annotated[Card | Invoice, Field(discriminator="method")]

    @model_validator(mode="after")
    def ends_later(self):
        if not datetime.timedelta() < self.end - self.start <= datetime.timedelta(days=14):
            raise ValueError("a booking ends after it starts, and at most 14 days later")
        return self


def utc(moment):
    return moment.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")


def exercise_4():
    app = FastAPI()
    bookings = {}

    def shown(id):
        booking = bookings[id]
        times = {"start": utc(booking.start), "end": utc(booking.end)}
        return {"id": id, **booking.model_dump(), **times}

    @app.post("/bookings", status_code=201)
    async def create(booking: Booking):
        id = len(bookings) + 1
        bookings[id] = booking
        return shown(id)

    @app.get("/bookings/{id}")
    async def read(id: int):
        if id not in bookings:
            raise HTTPException(404)
        return shown(id)

    @app.patch("/bookings/{id}")
    async def change(id: int, changes: dict[str, Any]):
        if id not in bookings:
            raise HTTPException(404)
        booking = bookings[id].model_copy()
        try:
            for name, value in changes.items():
                setattr(booking, name, value)
        except ValidationError as error:
            raise RequestValidationError(error.errors(include_context=False)) from None
        bookings[id] = booking
        return shown(id)

    return app
