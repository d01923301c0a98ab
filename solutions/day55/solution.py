"""Day 55: the reference answers. What the grader expects is measured on this file.

Each docstring says why the answer is written like that. `grade solution` shows it.
"""

import asyncio
from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Path, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, StringConstraints


def exercise_1(load_settings):
    """Three dependencies ask for the same fourth one. Within a request FastAPI calls that once
    and hands the result to all three; the next request gets a new one. `functools.cache` would
    keep it for good, and around an `async def` it would keep a coroutine that is used up. A
    dependency is solved only for the routes that name it, so /plain loads nothing.

    Read: [Reuse, caching, nesting](../../lessons/day55.md#reuse-caching-nesting).
    """
    app = FastAPI()
    loaded = Depends(load_settings)

    async def theme(settings: Annotated[dict, loaded]):
        return settings["theme"]

    async def title(settings: Annotated[dict, loaded]):
        return settings["title"]

    async def footer(settings: Annotated[dict, loaded]):
        return settings["footer"]

    @app.get("/page")
    async def page(
        theme: Annotated[Any, Depends(theme)],
        title: Annotated[Any, Depends(title)],
        footer: Annotated[Any, Depends(footer)],
    ):
        return {"theme": theme, "title": title, "footer": footer}

    @app.get("/plain")
    async def plain():
        return {"plain": True}

    return app


class Page:
    """Which part of a list is wanted, as query parameters."""

    def __init__(
        self,
        page: Annotated[int, Query(ge=1)] = 1,
        results_per_page: Annotated[int, Query(ge=1, le=100)] = 13,
        search: Annotated[str, StringConstraints(strip_whitespace=True, max_length=50)] = "",
    ) -> None:
        self.page = page
        self.limit = results_per_page
        self.offset = (page - 1) * results_per_page
        self.search = search


WantedPage = Annotated[Page, Depends()]


def exercise_2(find_users, find_orders):
    """A class is a dependency like any function: FastAPI reads the signature of its `__init__`,
    and the object that comes out has names and types. The bounds are written only once. Blanks
    are taken off by the same annotation that measures the length, so they don't count.

    Read: [Classes and parameters](../../lessons/day55.md#classes-and-parameters).
    """
    app = FastAPI()

    @app.get("/users")
    async def users(page: WantedPage):
        found = await find_users(page.offset, page.limit, page.search)
        return {"page": page.page, "results": found}

    @app.get("/orders")
    async def orders(page: WantedPage):
        found = await find_orders(page.offset, page.limit, page.search)
        return {"page": page.page, "results": found}

    return app


def exercise_3(connect, notify):
    """`scope="function"` runs what follows the `yield` when the endpoint has returned. By
    default it runs when the *response* is over, background tasks included, and the connection
    would stay open for as long as `notify` takes.

    `sql` is a parameter of the dependency, too, so that it is there before a connection is
    opened. FastAPI reads an endpoint's own parameters after it has solved the dependencies: with
    `sql` only there, a request without it would open a connection and then be refused.

    Read: [Resources](../../lessons/day55.md#resources).
    """
    app = FastAPI()

    async def connection(sql: str):
        conn = await connect()
        try:
            yield conn
        finally:
            await conn.close()

    @app.get("/report")
    async def report(
        sql: str,
        conn: Annotated[Any, Depends(connection, scope="function")],
        tasks: BackgroundTasks,
    ):
        try:
            rows = await conn.query(sql)
        except Exception as error:
            raise HTTPException(502, "the database did not answer") from error
        tasks.add_task(notify, rows)
        return {"rows": rows}

    return app


def exercise_4(find_user, list_secrets):
    """The admin is built on the user, so there is one place that reads the header, and FastAPI
    calls `find_user` once per request, however many ask. 401 says "I don't know who you are" and
    names the way to say it; 403 says "I do, and you may not".

    `HTTPBearer` compares the scheme without regard to case. `auto_error=False` leaves the refusal
    to us: one answer for a missing header, another scheme and an unknown token.

    Read: [Who may do what](../../lessons/day55.md#who-may-do-what).
    """
    app = FastAPI()
    bearer = HTTPBearer(auto_error=False)

    async def user(
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ):
        token = credentials.credentials.strip() if credentials else ""
        found = await find_user(token) if token else None
        if found is None:
            raise HTTPException(401, "not authenticated", {"WWW-Authenticate": "Bearer"})
        return found

    async def admin(user: Annotated[dict, Depends(user)]):
        if user["role"] != "admin":
            raise HTTPException(403, "for administrators only")
        return user

    @app.get("/me")
    async def me(user: Annotated[dict, Depends(user)]):
        return {"name": user["name"]}

    @app.get("/secrets", dependencies=[Depends(admin)])
    async def secrets():
        return await list_secrets()

    return app


def exercise_5(fetch_account, fetch_limits, fetch_flags):
    """FastAPI solves dependencies one after the other, `async def` or not: three of them take
    as long as all three together. So what is to overlap goes into *one* dependency, with a
    `TaskGroup` that cancels the others when one fails. What comes out of a group is an
    `ExceptionGroup`, also for a single error.

    Read: [In turn, and together](../../lessons/day55.md#in-turn-and-together).
    """
    app = FastAPI()

    async def fetched(**fetches):
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {name: group.create_task(fetch()) for name, fetch in fetches.items()}
        except ExceptionGroup as error:
            raise HTTPException(503, "a part of this is not available") from error
        return {name: task.result() for name, task in tasks.items()}

    async def account():
        return await fetched(account=fetch_account)

    async def everything():
        return await fetched(account=fetch_account, limits=fetch_limits, flags=fetch_flags)

    @app.get("/checkout")
    async def checkout(parts: Annotated[dict, Depends(everything)]):
        return parts

    @app.get("/account")
    async def account_alone(parts: Annotated[dict, Depends(account)]):
        return parts

    return app


SeatId = Annotated[int, Path(ge=-(2**31), lt=2**31)]
"""What fits into an `int` of PostgreSQL: asyncpg refuses to send more."""


TAKE = """
    UPDATE seats SET taken_by = $2
    WHERE id = $1 AND (taken_by IS NULL OR taken_by = $2)
    RETURNING id, taken_by
"""


class Taker(BaseModel):
    name: str


def exercise_6(dsn):
    """The transaction is a dependency that wraps the endpoint, and `scope="function"` puts its
    end before the answer. In the default scope the client would have its 201 before the commit,
    and what fails at the commit could not be told any more. Here that can happen: a constraint
    that is deferred is checked by the COMMIT.

    Who gets the seat is decided by one `UPDATE` with a condition. `SELECT`, look, `UPDATE` would
    let two clients look before either of them writes.

    Read: [A unit of work](../../lessons/day55.md#a-unit-of-work).
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    async def unit_of_work():
        async with app.state.pool.acquire() as conn:
            try:
                async with conn.transaction():
                    yield conn
            except asyncpg.UniqueViolationError as error:
                raise HTTPException(409, "this name has another seat") from error

    @app.post("/seats/{id}", status_code=201)
    async def take(
        id: SeatId,
        taker: Taker,
        conn: Annotated[asyncpg.Connection, Depends(unit_of_work, scope="function")],
    ):
        taken = await conn.fetchrow(TAKE, id, taker.name)
        if taken is not None:
            return dict(taken)
        if await conn.fetchval("SELECT true FROM seats WHERE id = $1", id):
            raise HTTPException(409, "this seat is taken")
        raise HTTPException(404, "no such seat")

    return app
