import datetime
from typing import Annotated, Any, Literal
from fastapi import FastAPI, HTTPException
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
class Card(BaseModel):
    model_config = ConfigDict(extra="forbid")
    method: Literal["card"]
    last4: str = Field(pattern=r"^[0-9]{4}$")

class Invoice(BaseModel):
    model_config = ConfigDict(extra="forbid")
    method: Literal["invoice"]
    vat: str = Field(min_length=5)

class Booking(BaseModel):
    model_config = ConfigDict(extra="forbid")
    room: str = Field(pattern=r"^[A-Z]-[0-9]{3}$")
    start: AwareDatetime
    end: AwareDatetime
    guests: int = Field(ge=1, le=8)
    payment: Annotated[Card | Invoice, Field(discriminator="method")]

    @model_validator(mode="after")
    def check(self):
        if not self.start < self.end <= self.start + datetime.timedelta(days=14):
            raise ValueError("bad times")
        return self

def shown(id, booking):
    data = booking.model_dump()
    for key in ("start", "end"):
        data[key] = data[key].astimezone(datetime.UTC)
    return {"id": id, **data}

def exercise_4():
    app = FastAPI()
    bookings = {}

    @app.post("/bookings", status_code=201)
    async def create(booking: Booking):
        id = len(bookings) + 1
        bookings[id] = booking
        return shown(id, booking)

    @app.get("/bookings/{id}")
    async def read(id: int):
        if id not in bookings:
            raise HTTPException(404)
        return shown(id, bookings[id])

    @app.patch("/bookings/{id}")
    async def change(id: int, changes: dict[str, Any]):
        if id not in bookings:
            raise HTTPException(404)
        try:
            booking = Booking.model_validate(bookings[id].model_dump() | changes)
        except ValidationError:
            raise HTTPException(422, "invalid") from None
        bookings[id] = booking
        return shown(id, booking)

    return app
