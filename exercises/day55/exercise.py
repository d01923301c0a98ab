"""Day 55: dependencies. Your answers go into this file.

Each exercise is an *app factory*: a function that builds a FastAPI app and returns it.
What the app needs from outside comes as a parameter. The defaults let you serve the app
by hand; the grader passes its own, with other values and other delays, so use the
parameters and not the functions below.

    grade day55            grade everything
    grade day55 2          grade exercise 2
    grade serve day55 2    serve it, to try it by hand
"""

import asyncio

# Exercise 1: once per request (a warm-up)


async def load_settings_slowly():
    await asyncio.sleep(1)
    return {"theme": "dark", "title": "Ada's page", "footer": "1843", "language": "en"}


def exercise_1(load_settings=load_settings_slowly):
    """GET /page answers {"theme": ..., "title": ..., "footer": ...}.

    These are three values of the dict that `await load_settings()` gives. Write a dependency
    for each of the three. The settings are loaded once for each request, and again for the
    next one. GET /plain answers {"plain": true}, and loads nothing.
    """
    raise NotImplementedError("exercise 1")


# Exercise 2: a page of a list (a warm-up)


async def find_some_users(offset, limit, search):
    names = [name for name in ("Ada", "Grace", "Barbara") if search in name]
    return names[offset : offset + limit]


async def find_some_orders(offset, limit, search):
    return [number for number in range(100) if search in str(number)][offset : offset + limit]


def exercise_2(find_users=find_some_users, find_orders=find_some_orders):
    """GET /users and GET /orders answer {"page": ..., "results": [...]}.

    Both take the same query parameters. Declare them once:

    - `page`, from 1, default 1;
    - `results_per_page`, from 1 to 100, default 13;
    - `search`, default empty: blanks around it are taken off, and then it has at most 50
      characters.

    The results are what `await find_users(offset, limit, search)` gives, or `find_orders`:
    `offset` is the number of results on the pages before. What doesn't fit is answered 422,
    and neither function is called.
    """
    raise NotImplementedError("exercise 2")


# Exercise 3: a connection


class SlowConnection:
    async def query(self, sql):
        await asyncio.sleep(0.5)
        return [{"answer": 42}]

    async def close(self):
        await asyncio.sleep(0.1)


async def connect_slowly():
    await asyncio.sleep(0.2)
    return SlowConnection()


async def notify_slowly(rows):
    await asyncio.sleep(5)


def exercise_3(connect=connect_slowly, notify=notify_slowly):
    """GET /report?sql=... answers {"rows": ...}, and notifies in the background.

    `conn = await connect()` opens a connection, `await conn.query(sql)` gives the rows, and
    `await conn.close()` closes it. Write a dependency with `yield` for it. After the answer,
    `await notify(rows)` takes some seconds.

    - The connection is closed once, whatever happens, and before `notify` begins.
    - A query that fails is answered 502, with none of its error's text, and `notify` isn't
      called.
    - A request without `sql` is answered 422, and opens no connection.
    - A request that is cancelled while it connects or queries leaves no connection open.
    """
    raise NotImplementedError("exercise 3")


# Exercise 4: who may do what


async def find_some_user(token):
    await asyncio.sleep(0.1)
    users = {"a1": {"name": "Ada", "role": "admin"}, "b2": {"name": "Bob", "role": "guest"}}
    return users.get(token)


async def list_some_secrets():
    return ["the cake is real"]


def exercise_4(find_user=find_some_user, list_secrets=list_some_secrets):
    """Two endpoints for those who send `Authorization: Bearer TOKEN`.

    `await find_user(token)` gives {"name": ..., "role": ...}, or None for an unknown token.
    The word Bearer may be in upper or lower case.

    - GET /me answers {"name": ...}.
    - GET /secrets answers what `await list_secrets()` gives, for the role "admin" only. Any
      other role is answered 403, and nothing is listed.
    - No header, no token, another scheme or an unknown token is answered 401, with the header
      `WWW-Authenticate: Bearer`.

    Build the dependency for administrators on the one for users. `find_user` is called once
    for each request, and never without a token.
    """
    raise NotImplementedError("exercise 4")


# Exercise 5: together


async def fetch_some_account():
    await asyncio.sleep(2)
    return {"name": "Ada"}


async def fetch_some_limits():
    await asyncio.sleep(1)
    return {"daily": 100}


async def fetch_some_flags():
    await asyncio.sleep(1.5)
    return ["beta"]


def exercise_5(
    fetch_account=fetch_some_account,
    fetch_limits=fetch_some_limits,
    fetch_flags=fetch_some_flags,
):
    """GET /checkout answers {"account": ..., "limits": ..., "flags": ...}.

    All three come from dependencies, and are fetched together: the answer is there when the
    slowest is. GET /account answers {"account": ...}, and fetches only that. If a fetch
    fails, the answer is 503 at once, for both paths, and the other fetches have been
    cancelled by then.
    """
    raise NotImplementedError("exercise 5")


# Exercise 6: a unit of work


def exercise_6(dsn="postgresql://postgres@localhost/day55"):
    """POST /seats/{id} with {"name": ...} takes a seat, in a PostgreSQL database.

    The table is there: seats (id int primary key, taken_by text unique deferrable initially
    deferred). A free seat has no `taken_by`. The grader has a PostgreSQL of its own, and
    `grade serve day55 6` gives the app one, to try it by hand.

    - 201 {"id": ..., "taken_by": ...} once the seat is taken and that is *committed*, never
      before. The same name may take its seat again: 201.
    - 404 if there is no such seat, 409 if another name has it.
    - A name can have only one seat. The table enforces that, but only at the commit: 409.
    - What fails before the commit leaves the row as it was.
    - Of several clients that take a seat at once exactly one gets it.
    - When the answer is complete, the connection is back in the pool.
    """
    raise NotImplementedError("exercise 6")
