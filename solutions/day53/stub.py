"""Day 53: async FastAPI. Write your answers in this file.

Each exercise is an *app factory*: a function that builds a FastAPI app and returns it.
What the app needs from outside (a slow fetch, a connection) comes as a parameter. The
defaults let you serve the app by hand. The grader passes its own, with other values and
other delays, so call the parameters and not the functions below.

    grade day53 0          grade the warm-up
    grade day53 2          grade exercise 2
    grade day53            grade all exercises
    grade serve day53 2    serve it, to try it by hand
"""

import asyncio
import time

from fastapi import FastAPI

# Warm-up: one word, one line


async def fetch_greeting_slowly():
    await asyncio.sleep(1)
    return "hello"


async def fetch_name_slowly():
    await asyncio.sleep(1)
    return "Ada"


def exercise_0(fetch_greeting=fetch_greeting_slowly, fetch_name=fetch_name_slowly):
    """Three endpoints with one mistake each. Mend one, grade it, and go on to the next.

    /greeting answers 500: a word is missing.
    /pause makes all other requests wait: one line blocks the loop.
    /both takes as long as both fetches in turn. Let them run together.
    """
    app = FastAPI()

    @app.get("/greeting")
    async def greeting():
        return fetch_greeting()

    @app.get("/pause")
    async def pause():
        time.sleep(2)
        return "over"

    @app.get("/both")
    async def both():
        greeting = await fetch_greeting()
        name = await fetch_name()
        return [greeting, name]

    return app


# Exercise 1: basic async


def compute_totals():
    """Two seconds of blocking work. Nothing in it can be awaited."""
    time.sleep(2)
    return 42


def exercise_1(compute=compute_totals):
    """Four endpoints that work, all of them `def`.

    Make /users, /products and /orders async, with the same delays and the same answers.
    Then decide what /compute should be: while it runs, the others must not wait.
    """
    app = FastAPI()

    @app.get("/users")
    def users():
        time.sleep(1)
        return {"users": ["Ada", "Grace"]}

    @app.get("/products")
    def products():
        time.sleep(0.5)
        return {"products": ["keyboard", "screen"]}

    @app.get("/orders")
    def orders():
        time.sleep(0.8)
        return {"orders": [1, 2, 3]}

    @app.get("/compute")
    def run_compute():
        return {"result": compute()}

    return app


# Exercise 2: concurrent operations


async def fetch_user_slowly():
    await asyncio.sleep(1)
    return {"name": "Ada"}


async def fetch_orders_slowly():
    await asyncio.sleep(2)
    return [1, 2, 3]


async def fetch_stats_slowly():
    await asyncio.sleep(1.5)
    return {"visits": 7}


def exercise_2(
    fetch_user=fetch_user_slowly,
    fetch_orders=fetch_orders_slowly,
    fetch_stats=fetch_stats_slowly,
):
    """GET /dashboard answers {"user": ..., "orders": ..., "stats": ...}.

    Fetch the three together: the dashboard is as slow as the slowest of them. If one
    fails, answer 502 with a detail that gives nothing away, and leave no fetch running.
    A request that is cancelled isn't a fetch that failed: let the cancellation through.
    """
    raise NotImplementedError("exercise 2")


# Exercise 3: a database


def exercise_3(dsn="postgresql://postgres@localhost/day53"):
    """Items in a PostgreSQL database: create, read, update and delete them.

    The table exists: items (id serial primary key, name text, price double precision).
    The grader has a PostgreSQL of its own, and `grade serve day53 3` gives the app one, to
    try it by hand.

    - POST /items takes {"name", "price"} and answers 201 {"id", "name", "price"}.
    - GET /items answers with a list of all items, in the order of their ids.
    - GET /items/{id} answers with one of them.
    - PUT /items/{id} takes a name, a price, or both. What isn't in the body stays as it
      is; a price of 0 is a price. It answers 200 with the item.
    - DELETE /items/{id} answers 204, with no body.

    An unknown id is answered 404, and a body that doesn't fit 422. Open one pool of at
    most 5 connections when the app starts, and close it when the app stops.
    """
    raise NotImplementedError("exercise 3")


# Exercise 4: error handling


async def fetch_slowly():
    await asyncio.sleep(1)
    return {"value": 42}


def exercise_4(fetch=fetch_slowly):
    """GET /external answers with what fetch() returns, and waits for at most 2 seconds.

    After 2 seconds: 504, and the fetch is cancelled. If the fetch fails: 502, with none
    of its error's text in the answer. An HTTPException that the fetch raises keeps its
    own status. If the request itself is cancelled, let the cancellation through.
    """
    raise NotImplementedError("exercise 4")


# Exercise 5: background tasks


async def process_slowly(data):
    await asyncio.sleep(3)


def exercise_5(process=process_slowly):
    """POST /process takes a JSON object and answers 202 {"status": "accepted"} at once.

    After the answer, run `await process(data)`. Log to the logger "day53" when it is
    done; if it fails, log that instead, with the traceback. What was accepted must get
    done, even when the server is asked to stop. A body that isn't a JSON object is
    answered 422.
    """
    raise NotImplementedError("exercise 5")


# Exercise 6: partial failures


async def fetch_weather():
    await asyncio.sleep(1)
    return "sunny"


async def fetch_news():
    await asyncio.sleep(0.5)
    raise ConnectionError("news.internal:8080 refused the connection")


def exercise_6(sources={"weather": fetch_weather, "news": fetch_news}):
    """GET /aggregate asks all sources at once, each of them once.

    `sources` maps a name to a coroutine function. Answer
    {"results": {name: value}, "errors": {name: name of the exception's class}}.
    One failure, or many, must not lose what the others returned. A request that is
    cancelled has no answer: let the cancellation through.
    """
    raise NotImplementedError("exercise 6")


# Exercise 7: streaming


async def count_rows():
    for number in range(10):
        await asyncio.sleep(1)
        yield {"number": number}


def exercise_7(read_rows=count_rows):
    """GET /stream sends each row of the async generator read_rows() as a line of JSON.

    The media type is application/x-ndjson. Each line goes out when its row is there. A
    client that hangs up ends the generator at once. A stream that is cancelled breaks off:
    it must not look complete to the client.
    """
    raise NotImplementedError("exercise 7")


# Exercise 8: async context managers


class SlowConnection:
    async def query(self, sql):
        await asyncio.sleep(0.5)
        return [{"answer": 42}]

    async def close(self):
        await asyncio.sleep(0.1)


async def connect_slowly():
    await asyncio.sleep(0.2)
    return SlowConnection()


def exercise_8(connect=connect_slowly):
    """GET /query?sql=... answers with the rows of the query.

    Write an async context manager that opens a connection (`conn = await connect()`) and
    always closes it (`await conn.close()`), and use it around `await conn.query(sql)`.
    (Only what the app does is checked, so any other way to do the same is fine.)
    One connection for each request. A query that fails is answered 502; one that finds no
    rows, or returns None, has worked. The connection is closed whatever happens, and the
    context manager hides no exception.
    """
    raise NotImplementedError("exercise 8")
