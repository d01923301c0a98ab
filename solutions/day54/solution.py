"""Day 54: the reference answers. What the grader expects is measured on this file.

Each docstring says why the answer is written like that. `grade solution` shows it.
"""

import asyncio
import datetime
import logging
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Form, HTTPException, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from starlette.exceptions import HTTPException as AnyHTTPException

log = logging.getLogger("day54")


def exercise_1():
    """The rule is in the signature, where FastAPI reads it: an integer, from 0 to 1000.
    What breaks it never reaches your code, and the 422 says what was wrong. A check in the body
    would have to write that answer by hand, and the docs page would not know of it.

    Read: [Parameters](../../lessons/day54.md#parameters).
    """
    app = FastAPI()

    @app.get("/square/{number}")
    async def square(number: Annotated[int, Path(ge=0, le=1000)]):
        return {"square": number * number}

    return app


class Item(BaseModel):
    """A name without outer blanks, and a price above nothing."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
    price: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ExactItem(Item):
    """An item, and nothing else."""

    model_config = ConfigDict(extra="forbid")


def exercise_2():
    """`strip_whitespace` works before the length is measured, so a name of three blanks is
    empty. Pydantic drops fields it does not know; `extra="forbid"` refuses them, and a client
    that writes `prize` hears of it.

    Read: [A body and its rules](../../lessons/day54.md#a-body-and-its-rules).
    """
    app = FastAPI()

    @app.post("/items", status_code=201)
    async def create(item: ExactItem) -> ExactItem:
        return item

    return app


MOST_BYTES = 1000


def exercise_3(store):
    """One model is the rule for all three bodies; only the way into it differs. The CSV is
    read piece by piece and counted as it comes, so a client that sends too much is told at once:
    `await request.body()` would first take all of it. All lines are checked before the first one
    is stored, or half an upload would stay behind an error.

    Read: [Bodies that aren't JSON](../../lessons/day54.md#bodies-that-arent-json).
    """
    app = FastAPI()

    @app.post("/items", status_code=201)
    async def from_json(item: ExactItem):
        return {"id": await store(item.model_dump())}

    @app.post("/items/form", status_code=201)
    async def from_form(item: Annotated[Item, Form()]):
        return {"id": await store(item.model_dump())}

    @app.post("/items/csv", status_code=201)
    async def from_csv(request: Request):
        items = parsed(await read_at_most(request, MOST_BYTES))
        return {"ids": [await store(item.model_dump()) for item in items]}

    return app


async def read_at_most(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise HTTPException(413, f"at most {limit} bytes")
    return bytes(body)


def parsed(body: bytes) -> list[Item]:
    lines = body.removesuffix(b"\n").split(b"\n")
    return [item_of(line, number) for number, line in enumerate(lines, start=1)]


def item_of(line: bytes, number: int) -> Item:
    try:
        name, price = line.removesuffix(b"\r").decode().split(",")
        return Item(name=name, price=price)
    except ValueError as error:  # Pydantic's own error and a wrong encoding are such, too
        raise HTTPException(422, f"line {number} is not a name and a price") from error


def in_utc(moment: datetime.datetime) -> datetime.datetime:
    try:
        return moment.astimezone(datetime.UTC)
    except OverflowError as error:
        raise ValueError("too far away") from error


Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]


class Exact(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Card(Exact):
    method: Literal["card"]
    last4: Annotated[str, Field(pattern=r"^[0-9]{4}$")]


class Invoice(Exact):
    method: Literal["invoice"]
    vat: Annotated[str, Field(min_length=5)]


class Booking(Exact):
    room: Annotated[str, Field(pattern=r"^[A-Z]-[0-9]{3}$")]
    start: Moment
    end: Moment
    guests: Annotated[int, Field(ge=1, le=8)]
    payment: Annotated[Card | Invoice, Field(discriminator="method")]

    @model_validator(mode="after")
    def ends_after_it_starts(self):
        length = self.end - self.start
        if not datetime.timedelta() < length <= datetime.timedelta(days=14):
            raise ValueError("a booking ends after it starts, and at most 14 days later")
        return self


def exercise_4():
    """`start` and `end` are judged together, so the rule is the whole model's. The
    discriminator looks at `method` first, and an error then speaks of that kind of payment alone.

    A change is laid over what is stored and the *result* is validated: a model whose fields are
    all optional would let `null` through, and could not see that a new `end` lies before the old
    `start`. The booking is replaced only when all of it is right.

    Read: [Partial updates](../../lessons/day54.md#partial-updates).
    """
    app = FastAPI()
    bookings: dict[int, Booking] = {}

    def shown(number: int):
        return {"id": number, **bookings[number].model_dump(mode="json")}

    def known(id: int) -> int:
        if id not in bookings:
            raise HTTPException(404, "no such booking")
        return id

    @app.post("/bookings", status_code=201)
    async def create(booking: Booking):
        number = len(bookings) + 1
        bookings[number] = booking
        return shown(number)

    @app.get("/bookings/{id}")
    async def read(id: int):
        return shown(known(id))

    @app.patch("/bookings/{id}")
    async def change(id: int, changes: dict[str, Any]):
        before = bookings[known(id)].model_dump()
        try:
            bookings[id] = Booking.model_validate(before | changes)
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from error
        return shown(id)

    return app


class NewDocument(BaseModel):
    key: Annotated[str, Field(min_length=3, max_length=20)]
    secret: Annotated[str, Field(min_length=8)]


def exercise_5(load):
    """Handlers belong to the app, so the endpoint only says what it does. FastAPI takes the
    handler of the nearest base class: `LookupError` is there for `KeyError` as well. Its own
    answer to an invalid body repeats what was sent, a password included, so it is replaced by
    the places alone. The last handler, for `Exception`, logs what nobody expected and says
    nothing about it to the client.

    The `HTTPException` of an unknown path is Starlette's, not FastAPI's: handle the base class.

    Read: [Where errors become answers](../../lessons/day54.md#where-errors-become-answers).
    """
    app = FastAPI()

    @app.get("/documents/{key}")
    async def read(key: str):
        return await load(key)

    @app.post("/documents", status_code=201)
    async def create(document: NewDocument):
        return {"key": document.key}

    def answers(error: type[Exception], status: int, name: str) -> None:
        @app.exception_handler(error)
        async def answer(request: Request, error: Exception):
            return JSONResponse({"error": name}, status)

    answers(LookupError, 404, "not-found")
    answers(PermissionError, 403, "forbidden")
    answers(TimeoutError, 504, "timeout")

    @app.exception_handler(AnyHTTPException)
    async def http(request: Request, error: AnyHTTPException):
        body = {"error": "http", "detail": error.detail}
        return JSONResponse(body, error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError):
        fields = [problem["loc"] for problem in error.errors()]
        return JSONResponse({"error": "invalid", "fields": fields}, 422)

    @app.exception_handler(Exception)
    async def internal(request: Request, error: Exception):
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return JSONResponse({"error": "internal"}, 500)

    return app


class NewUser(BaseModel):
    username: Annotated[str, Field(pattern=r"^[a-z0-9_]{3,20}$")]
    email: Annotated[str, Field(pattern=r"^[^@]+@[^@]+$")]


AT_ONCE = 10
FIELDS = ("username", "email")


def exercise_6(exists, create):
    """A validator cannot `await`: it is called by plain code. So what a body can tell by itself
    is the model's, and what only others know is asked in the endpoint, both questions together.

    A batch asks for each value once and remembers who came first. The semaphore is made for the
    batch: one for each question would limit nothing. And since others may take a name between
    your question and your `create`, its `KeyError` is an answer, too.

    Read: [What a validator can't do](../../lessons/day54.md#what-a-validator-cant-do).
    """
    app = FastAPI()

    @app.post("/users", status_code=201)
    async def create_one(user: NewUser):
        [taken] = await all_taken([user])
        if taken:
            raise Taken({"taken": taken})
        return {"id": await created(user)}

    @app.post("/users/batch", status_code=201)
    async def create_many(users: Annotated[list[NewUser], Field(min_length=1, max_length=100)]):
        all_of_them = enumerate(await all_taken(users))
        errors = [{"index": index, "taken": taken} for index, taken in all_of_them if taken]
        if errors:
            raise Taken({"errors": errors})
        return {"ids": [await created(user) for user in users]}

    @app.exception_handler(Taken)
    async def answer(request: Request, taken: Taken):
        return JSONResponse(taken.body, 409)

    async def all_taken(users: list[NewUser]) -> list[list[str]]:
        """For each user the fields whose value is taken, elsewhere or further up in the list."""
        first: dict[tuple[str, str], int] = {}
        for index, user in enumerate(users):
            for field in FIELDS:
                first.setdefault((field, getattr(user, field)), index)
        places = asyncio.Semaphore(AT_ONCE)

        async def ask(field: str, value: str) -> bool:
            async with places:
                return await exists(field, value)

        async with asyncio.TaskGroup() as group:
            asked = {question: group.create_task(ask(*question)) for question in first}

        def is_taken(index: int, field: str, value: str) -> bool:
            return first[field, value] != index or asked[field, value].result()

        return [
            [field for field in FIELDS if is_taken(index, field, getattr(user, field))]
            for index, user in enumerate(users)
        ]

    async def created(user: NewUser):
        try:
            return await create(user.model_dump())
        except KeyError as error:
            raise Taken({"error": "taken meanwhile"}) from error

    return app


class Taken(Exception):
    """Answered with 409."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body = body


class Record(BaseModel):
    """What a record must be. Strict: a record is Python already, and "7" in it is a fault."""

    model_config = ConfigDict(strict=True)

    id: int
    name: str
    email: Annotated[str, Field(pattern=r"^[^@]+@[^@]+$")]
    joined: datetime.date


class PublicUser(BaseModel):
    id: int
    name: str
    email_hint: str
    joined: datetime.date


def exercise_7(find, find_all):
    """Two models: what a record must be, and what may go out. A response model lets through
    only the fields it has, so a column that is added tomorrow stays inside. A record that does
    not fit is the server's fault, never the client's: 500 and a log, not 422. In a list one bad
    record does not cost the others; a header says how many are missing, also when none are.

    Read: [What goes out](../../lessons/day54.md#what-goes-out).
    """
    app = FastAPI()

    @app.get("/users/{id}")
    async def read(id: int) -> PublicUser:
        record = await find(id)
        if record is None:
            raise HTTPException(404, "no such user")
        try:
            return public(record)
        except ValidationError as error:
            log.exception("user %s does not fit", id)
            raise HTTPException(500, "this user cannot be shown") from error

    @app.get("/users")
    async def read_all(response: Response) -> list[PublicUser]:
        users, skipped = [], 0
        for record in await find_all():
            try:
                users.append(public(record))
            except ValidationError:
                skipped += 1
        response.headers["X-Skipped"] = str(skipped)
        return users

    return app


def public(record: Any) -> PublicUser:
    """What may be known of a user.

    Raises:
        ValidationError: the record does not fit.
    """
    known = Record.model_validate(record)
    name, _, host = known.email.partition("@")
    return PublicUser(
        id=known.id, name=known.name, email_hint=f"{name[0]}***@{host}", joined=known.joined
    )
