"""What helps with some errors, in addition to their text."""

from __future__ import annotations

from ...model.trace import Failure

INVALID = 422


def note_on(error: Failure, wanted: int | None = None) -> str:
    """A sentence on what an error's text means here; empty if it speaks for itself.

    Args:
        wanted: the status that the answer should have, if that is known.
    """
    if wanted == INVALID and "validation error" in error.text:
        return (
            "FastAPI answers 422 only for a request's own parameters. A ValidationError that your "
            "code raises is an error like any other."
        )
    return next((note for words, note in _NOTES.items() if words in error.text), "")


def note_on_start(error: Failure, line: int | None) -> str:
    """The same for an error that keeps an app from starting, with the learner's line, if any."""
    notes = (note for words, note in _OF_LIFESPANS.items() if words in error.text)
    return note_on(error) if line is not None else next(notes, note_on(error))


_A_DICT = "Does your lifespan yield a value? Then it has to be a dict, for `request.state`."
_OF_LIFESPANS = {
    "object is not iterable": _A_DICT,
    "dictionary update sequence": _A_DICT,
    "asynchronous context manager protocol": (
        "A lifespan has `@asynccontextmanager` above it, and a `yield` in it."
    ),
    "takes 0 positional arguments": (
        "A lifespan is called with the app: `async def lifespan(app)`."
    ),
}
"""By words in errors that no line of the learner's raises: FastAPI's own use of a lifespan."""

_NOTES = {
    "EOF when reading a line": "It asks for input, and a web app has no keyboard.",
    "is not a callable object": (
        "`Depends` takes the function itself, and FastAPI calls it: leave out the parentheses."
    ),
    "has no attribute 'dependency'": (
        "Wrap each function in `dependencies=[...]`: `Depends(function)`."
    ),
    "'coroutine' object is not callable": (
        "What is to be called later is the function itself: leave out the parentheses."
    ),
    "input_type=Record": (
        "asyncpg's `Record` isn't a dict, though it can be read like one: `**row` unpacks it."
    ),
    "'coroutine' object": (
        "There is a coroutine where a value belongs: an async function was called, not awaited."
    ),
    "=<coroutine object": (
        "There is a coroutine where a value belongs: an async function was called, not awaited."
    ),
    "'async_generator' object is not iterable": (
        "An async generator gives its rows to `async for`; a plain `for` can't wait for them."
    ),
    "'async_generator' object does not support": (
        "An async generator becomes a context manager by `@asynccontextmanager`."
    ),
    "requires an object with __aiter__ method, got coroutine": (
        "What the call returns has to be awaited first; then you can loop over it."
    ),
    "requires an object with __aiter__": (
        "`async for` is for async generators; loop over what is there already with `for`."
    ),
    "does not support the context manager protocol": "This one is entered with `async with`.",
    "can't be used in 'await' expression": (
        "Only what an async function returns can be awaited. This value is there already."
    ),
    "aclose(): asynchronous generator is already running": (
        "Something still waits for its next item, a task for instance. That has to end before "
        "the generator can be closed."
    ),
    "asynchronous generator is already running": (
        "Something else waits for its next item already. If that is another request: each needs "
        "a generator of its own, made where the request is handled."
    ),
    "unhashable type: 'list'": (
        "`gather` takes what it waits for one by one, not as a list: `gather(*calls)`."
    ),
    "unhashable type: 'dict'": (
        "A dict can't be a key or a member of a set. If it was meant for `gather`, that takes "
        "coroutines one by one."
    ),
    "cannot be called from a running event loop": (
        "Inside `async def` the loop is running already: `await` the coroutine."
    ),
    "event loop is already running": (
        "Inside `async def` the loop is running already: `await` the coroutine."
    ),
    "no running event loop": (
        "A task needs a running event loop, and there is one only inside `async def`."
    ),
    "attached to a different loop": (
        "What one event loop has made can't be awaited in another. `asyncio.run` makes a new one."
    ),
    "coroutine was expected": (
        "A task is made of a coroutine, which is what calling an async function gives: the "
        "parentheses are missing."
    ),
    "await wasn't used with future": (
        "There is a task or a future in it where a result belongs: `await` it first."
    ),
    "a coroutine or an awaitable is required": (
        "What has been awaited is a result already. Hand over the call itself, without `await`."
    ),
    "Passing coroutines is forbidden": "Make a task of each one first: `create_task(...)`.",
    "cannot reuse already awaited coroutine": (
        "A coroutine runs once. Call the function again for another."
    ),
    "coroutine is being awaited already": (
        "It is awaited in several places at once, and a coroutine runs only once. What keeps it?"
    ),
    "Result is not set": "A task has its result when it is over: after the group, or an `await`.",
    "has no attribute 'encode'": (
        "Text or bytes belong there: `str(number)` turns a number into text, for a header say, "
        "and `json.dumps(row)` a row."
    ),
    "must be callable": (
        "It takes the function, and then its arguments: `add_task(work, data)`, not "
        "`add_task(work(data))`."
    ),
    "object is not callable": (
        "Only a function can be called. To hand one over, write its name without parentheses, "
        "and its arguments after it, as in `to_thread(work, data)`."
    ),
    "generator didn't stop after": (
        "A context manager yields once: after an error it must not yield again."
    ),
    "generator didn't yield": "A context manager has to come to its `yield` exactly once.",
    "'wrapper_descriptor' object": (
        "There is a class in it where a value belongs. Its name is `the_class.__name__`."
    ),
    "'builtin_function_or_method' object": (
        "There is a class or a function in it where a value belongs. A class's name is "
        "`the_class.__name__`, and a function has to be called."
    ),
    "'function' object is not iterable": (
        "There is a function where its result belongs: the parentheses are missing."
    ),
    "couldn't get a connection after": (
        "psycopg's `PoolTimeout` isn't a TimeoutError: catch `psycopg_pool.PoolTimeout`."
    ),
    "the query has 0 placeholders": (
        "A value's place is `%s` with psycopg; `$1` is how asyncpg writes it."
    ),
    "are allowed as placeholders": (
        "With psycopg a `%` that isn't a placeholder is written twice, and a placeholder never "
        "goes within quotes."
    ),
    'syntax error at or near "%"': (
        "A value's place is `$1`, `$2` with asyncpg; `%s` is how psycopg writes it."
    ),
    "must be a mapping, not NoneType": (
        "`fetchrow` and `fetchone` give None where there is no such row."
    ),
    "must be a mapping, not list": "`fetch` gives a list of rows, and `fetchrow` one row.",
    "must be a mapping, not tuple": (
        "psycopg's rows are tuples, unless a row factory such as `dict_row` says otherwise."
    ),
    "object of type 'int' has no len()": (
        "There is a number where a sequence belongs. psycopg takes a statement's parameters as a "
        "tuple, even a single one: `(id,)`."
    ),
    "(expected str, got dict)": (
        "asyncpg takes `json` and `jsonb` as text, unless the connection has a codec for it."
    ),
    'syntax error at or near "$1"': (
        "A parameter stands for a value in SELECT, INSERT, UPDATE or DELETE. It can't be a name, "
        "nor stand in NOTIFY: `SELECT pg_notify($1, $2)` takes both."
    ),
    "min_size is greater": ("asyncpg's `min_size` is 10, unless you say otherwise."),
    "not a valid ObjectId": "A client may send any text as an id. What should it get then?",
    "'ObjectId' object": "An ObjectId isn't JSON: `str(document['_id'])` is.",
    "greenlet_spawn has not been called": (
        "Something is loaded from the database where nothing awaits it. Load it with the query, "
        "or keep it with `expire_on_commit=False`."
    ),
    "pool is closed": "The pool was closed before this. How long does its `async with` last?",
    "CancelledError": (
        "Awaiting a task that was cancelled raises that. After a `cancel()` of your own you "
        "expect it, so await the task within `suppress(asyncio.CancelledError)`."
    ),
    "bound to a different event loop": (
        "It was made for another event loop. Make it when the app starts, in the lifespan."
    ),
}
"""By words in the error's text; the first that fits is taken."""
