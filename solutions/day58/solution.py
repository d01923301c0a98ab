"""Day 58: the reference answers. What the grader expects is measured on this file.

Each docstring says why the answer is written like that. `grade solution` shows it.
"""

import json
import logging
from collections import defaultdict
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import asyncpg
from bson import ObjectId
from bson.errors import InvalidId
from fastapi import FastAPI, HTTPException, Query
from fastapi.responses import JSONResponse
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationError,
)
from pymongo import AsyncMongoClient, ReturnDocument
from pymongo.errors import DuplicateKeyError

log = logging.getLogger("day58")

Id = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""What fits into a column of type `int`. For anything else the driver raises an error."""


class User(BaseModel):
    """A row of `users`, as it may go out."""

    id: int
    username: str
    email: str
    created_at: datetime
    updated_at: datetime | None


COLUMNS = "id, username, email, created_at, updated_at"


class AnyUser(User):
    """Also a user without an email, which the table allows."""

    email: str | None


def exercise_1(dsn):
    """`class_row` makes each row a model, by the names of its columns, and Pydantic checks it. The
    statement names its columns: with `SELECT *`, a column that is added later is read, too. A
    column that can be NULL is `| None` in the model, or the first NULL is a 500.

    Read: [A row as a model](../../lessons/day58.md#a-row-as-a-model).
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with AsyncConnectionPool(dsn, min_size=1, max_size=5, open=False) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/users/{id}")
    async def read(id: Id) -> AnyUser:
        async with (
            app.state.pool.connection() as conn,
            conn.cursor(row_factory=class_row(AnyUser)) as cursor,
        ):
            await cursor.execute(f"SELECT {COLUMNS} FROM users WHERE id = %s", [id])
            user = await cursor.fetchone()
        if user is None:
            raise HTTPException(404, "no such user")
        return user

    return app


def app_with_pool(dsn: str, **options: Any) -> FastAPI:
    """An app with one asyncpg pool, from its start to its end, in `app.state.pool`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5, **options) as app.state.pool:
            yield

    return FastAPI(lifespan=lifespan)


def exercise_2(dsn):
    """asyncpg's `Record` is a mapping, so `User(**row)` takes it; `model_validate(row)` doesn't,
    with or without `from_attributes`. Each row is validated by itself, so one that doesn't fit
    costs the list that row alone. It is logged with its id, because someone has to find and fix
    it. The client can do nothing about it, and learns nothing of it: an error that nobody catches
    is a 500 without a word of it, and the server logs its traceback.

    Read: [Rows that don't fit](../../lessons/day58.md#rows-that-dont-fit).
    """
    app = app_with_pool(dsn)

    @app.get("/users")
    async def read_all() -> list[User]:
        rows = await app.state.pool.fetch(
            f"SELECT {COLUMNS} FROM users WHERE is_active ORDER BY id"
        )
        return [user for user in map(user_or_none, rows) if user is not None]

    @app.get("/users/{id}")
    async def read(id: Id) -> User:
        row = await app.state.pool.fetchrow(f"SELECT {COLUMNS} FROM users WHERE id = $1", id)
        if row is None:
            raise HTTPException(404, "no such user")
        return User(**row)

    return app


def user_or_none(row: asyncpg.Record) -> User | None:
    try:
        return User(**row)
    except ValidationError:
        log.exception("user %s does not fit", row["id"])
        return None


def exercise_3(dsn):
    """Three statements for any number of orders: the user, all the orders, all their lines. One
    join of the three repeats the user in each row, and loses orders without lines unless it is a
    LEFT JOIN. A price stays a `Decimal` all the way, and goes out as text: a float can't hold 12.10
    exactly, and FastAPI turns a `Decimal` in a dict into one.

    Read: [Rows within rows](../../lessons/day58.md#rows-within-rows).
    """
    app = app_with_pool(dsn)

    @app.get("/users/{id}/orders")
    async def orders(id: Id):
        async with app.state.pool.acquire() as conn:
            user = await conn.fetchrow("SELECT id, username FROM users WHERE id = $1", id)
            if user is None:
                raise HTTPException(404, "no such user")
            orders = await conn.fetch(
                "SELECT id, placed_at FROM orders WHERE user_id = $1 ORDER BY id", id
            )
            lines = await conn.fetch(
                "SELECT order_id, sku, quantity, price FROM order_lines"
                " WHERE order_id = ANY($1) ORDER BY id",
                [order["id"] for order in orders],
            )
        of_order = defaultdict(list)
        for line in lines:
            shown = {"sku": line["sku"], "quantity": line["quantity"], "price": str(line["price"])}
            of_order[line["order_id"]].append(shown)
        return dict(user) | {"orders": [dict(o) | {"lines": of_order[o["id"]]} for o in orders]}

    return app


class NewUser(BaseModel):
    username: str
    email: str


class Change(BaseModel):
    """A field that isn't sent stays unset. `null` doesn't fit any of the fields."""

    version: int
    username: str = ""
    email: str = ""


class Stale(Exception):
    """The row has changed since it was read."""


class Taken(Exception):
    """Another user has this username or email."""

    def __init__(self, error: asyncpg.UniqueViolationError) -> None:
        name = error.constraint_name or ""
        self.field = "email" if name == "users_email_key" else "username"


class Users:
    """The users, with the SQL that goes with them. It knows nothing of HTTP."""

    SHOWN = "id, username, email, version"

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def add(self, user: NewUser) -> dict[str, Any]:
        return await self._write(
            f"INSERT INTO users (username, email) VALUES ($1, $2) RETURNING {self.SHOWN}",
            user.username,
            user.email,
        )

    async def get(self, id: int) -> dict[str, Any]:
        return self._found(
            await self._pool.fetchrow(
                f"SELECT {self.SHOWN} FROM users WHERE id = $1 AND is_active", id
            )
        )

    async def change(self, id: int, change: Change) -> dict[str, Any]:
        sent = change.model_dump(exclude_unset=True)
        changed = await self._write(
            "UPDATE users SET username = coalesce($3, username), email = coalesce($4, email),"
            " version = version + 1, updated_at = now()"
            f" WHERE id = $1 AND is_active AND version = $2 RETURNING {self.SHOWN}",
            id,
            change.version,
            sent.get("username"),
            sent.get("email"),
        )
        if changed is None:
            await self.get(id)
            raise Stale
        return changed

    async def remove(self, id: int) -> None:
        self._found(
            await self._pool.fetchrow(
                "UPDATE users SET is_active = false WHERE id = $1 AND is_active RETURNING id", id
            )
        )

    async def _write(self, sql: str, *values: Any) -> Any:
        try:
            row = await self._pool.fetchrow(sql, *values)
        except asyncpg.UniqueViolationError as error:
            raise Taken(error) from error
        return None if row is None else dict(row)

    def _found(self, row: asyncpg.Record | None) -> dict[str, Any]:
        if row is None:
            raise LookupError
        return dict(row)


def exercise_4(dsn):
    """The repository holds the SQL, and raises errors of its own; handlers turn those into answers,
    once for all routes. The version is in the `WHERE` of the `UPDATE`, so looking and writing
    are one step: of twenty that have read version 1 the first makes it 2, and the others find no
    row. A `SELECT`, a comparison and an `UPDATE` would let several through. The
    table also decides whether a username is taken: the constraint that fails names the column.

    Read: [A repository](../../lessons/day58.md#a-repository).
    """
    app = app_with_pool(dsn)

    def users() -> Users:
        return Users(app.state.pool)

    @app.post("/users", status_code=201)
    async def add(user: NewUser):
        return await users().add(user)

    @app.get("/users/{id}")
    async def read(id: Id):
        return await users().get(id)

    @app.patch("/users/{id}")
    async def change(id: Id, change: Change):
        return await users().change(id, change)

    @app.delete("/users/{id}", status_code=204)
    async def remove(id: Id) -> None:
        await users().remove(id)

    @app.exception_handler(LookupError)
    async def unknown(request, error):
        return JSONResponse({"detail": "no such user"}, 404)

    @app.exception_handler(Stale)
    async def stale(request, error):
        return JSONResponse({"detail": "changed meanwhile"}, 409)

    @app.exception_handler(Taken)
    async def taken(request, error):
        return JSONResponse({"taken": error.field}, 409)

    return app


class NewProduct(BaseModel):
    sku: str
    name: str
    price: float


class ProductChange(BaseModel):
    """A field that isn't sent stays unset. `null` doesn't fit any of the fields."""

    sku: str = ""
    name: str = ""
    price: float = 0


class Product(NewProduct):
    id: Annotated[str, BeforeValidator(str), Field(validation_alias="_id")]


def id_of(text: str) -> ObjectId:
    try:
        return ObjectId(text)
    except InvalidId as error:
        raise HTTPException(404, "no such product") from error


def exercise_5(url):
    """The unique index makes the second of two equal skus fail, however close they come; a look
    before the insert wouldn't. `_id` is an ObjectId, which JSON has no form for: the model makes
    it a string, and `id_of` makes that an ObjectId again, because a string as `_id` finds nothing.
    Pages go by the last id, not by `skip`, which reads all that it leaves out. One product more
    than asked for is read, which tells whether more follow.

    Read: [Documents](../../lessons/day58.md#documents).
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with AsyncMongoClient(url) as client:
            app.state.products = client.get_default_database()["products"]
            await app.state.products.create_index("sku", unique=True)
            yield

    app = FastAPI(lifespan=lifespan)

    @app.exception_handler(DuplicateKeyError)
    async def known(request, error):
        return JSONResponse({"detail": "there is a product with this sku"}, 409)

    @app.post("/products", status_code=201)
    async def add(product: NewProduct) -> Product:
        document = product.model_dump()
        await app.state.products.insert_one(document)  # which adds an _id to it
        return Product.model_validate(document)

    @app.get("/products")
    async def page(after: str | None = None, limit: Annotated[int, Query(ge=1, le=50)] = 10):
        since = {} if after is None else {"_id": {"$gt": id_of(after)}}
        found = app.state.products.find(since).sort("_id").limit(limit + 1)
        products = [Product.model_validate(document) for document in await found.to_list()]
        shown = products[:limit]
        return {"results": shown, "next": shown[-1].id if len(products) > limit else None}

    @app.get("/products/{id}")
    async def read(id: str) -> Product:
        return found_or_404(await app.state.products.find_one({"_id": id_of(id)}))

    @app.patch("/products/{id}")
    async def change(id: str, change: ProductChange) -> Product:
        sent = change.model_dump(exclude_unset=True)
        if not sent:
            return await read(id)
        return found_or_404(
            await app.state.products.find_one_and_update(
                {"_id": id_of(id)}, {"$set": sent}, return_document=ReturnDocument.AFTER
            )
        )

    return app


def found_or_404(document: dict[str, Any] | None) -> Product:
    if document is None:
        raise HTTPException(404, "no such product")
    return Product.model_validate(document)


def in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("too far away") from error


class Measurement(BaseModel):
    """What fits into the table: twenty digits, ten of them behind the point."""

    taken_at: Annotated[AwareDatetime, AfterValidator(in_utc)]
    value: Annotated[
        Decimal,
        Field(max_digits=20, decimal_places=10),
        PlainSerializer(lambda value: format(value, "f")),
    ]
    tags: list[str]
    payload: dict[str, Any]


class StoredMeasurement(Measurement):
    id: int


def exercise_6(dsn):
    """Each of PostgreSQL's types has a Python one: `timestamptz` is an aware datetime, `numeric` a
    `Decimal`, `text[]` a list. Only `jsonb` comes as text, until the connection is given a codec;
    a pool does that in `init`, for each connection that it opens. `value` never becomes a float,
    which has room for some sixteen digits. What Pydantic lets through and PostgreSQL doesn't, such
    as a NUL character in a tag, is 422 as well.

    Read: [Types both ways](../../lessons/day58.md#types-both-ways).
    """

    async def prepare(conn: asyncpg.Connection) -> None:
        await conn.set_type_codec(
            "jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
        )

    app = app_with_pool(dsn, init=prepare)

    @app.post("/measurements", status_code=201)
    async def add(measurement: Measurement) -> StoredMeasurement:
        try:
            row = await app.state.pool.fetchrow(
                "INSERT INTO measurements (taken_at, value, tags, payload)"
                " VALUES ($1, $2, $3, $4) RETURNING *",
                measurement.taken_at,
                measurement.value,
                measurement.tags,
                measurement.payload,
            )
        except (asyncpg.DataError, UnicodeEncodeError) as error:
            raise HTTPException(422, "this does not fit into the database") from error
        return StoredMeasurement(**row)

    @app.get("/measurements/{id}")
    async def read(id: Id) -> StoredMeasurement:
        row = await app.state.pool.fetchrow("SELECT * FROM measurements WHERE id = $1", id)
        if row is None:
            raise HTTPException(404, "no such measurement")
        return StoredMeasurement(**row)

    return app
