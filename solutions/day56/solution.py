"""Day 56: the reference answers. What the grader expects is measured on this file.

Each docstring says why the answer is written like that. `grade solution` shows it.
"""

import asyncio
import logging
import math
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import anyio.to_thread
from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel

log = logging.getLogger("day56")


def exercise_1(open_cache):
    """What is before the `yield` runs before the first request, what follows it after the
    last one. Without the `finally` an exception that comes out of the `yield` would skip the
    closing. Opening the cache in the endpoint would open one for each request.

    Read: [Beginning and end](../../lessons/day56.md#beginning-and-end).
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        app.state.cache = await open_cache()
        try:
            yield
        finally:
            await app.state.cache.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/value")
    async def value():
        return {"value": await app.state.cache.get()}

    return app


def exercise_2(open_config, open_database, open_cache):
    """An `AsyncExitStack` remembers what has been opened, and closes that in the reverse order:
    if the third one doesn't open, the two before it are closed; if closing one fails, the others
    are closed all the same. Three nested `try ... finally` do that, too. One `finally` with three
    closings in it does not: the first that fails takes the others with it.

    Read: [Several resources](../../lessons/day56.md#several-resources).
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with AsyncExitStack() as stack:
            for open_one in (open_config, open_database, open_cache):
                resource = await open_one()
                stack.push_async_callback(resource.close)
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/health")
    async def health():
        return {"status": "ok"}

    return app


EVERY = 5


def exercise_3(poll):
    """The task lives as long as the app: made in the lifespan, held by a name, cancelled *and
    awaited* at the end. The next poll is due at a multiple of five seconds from the start, not
    five seconds after the last: `sleep(5)` after each poll would drift by what the poll takes.
    One `try` is inside the loop, so that a poll that fails ends itself and not the polling.

    Read: [Tasks of the app](../../lessons/day56.md#tasks-of-the-app).
    """
    latest: tuple[Any, float] | None = None

    async def keep_polling():
        nonlocal latest
        now = asyncio.get_running_loop().time
        start, turn = now(), 0
        while True:
            try:
                value = await poll()
                latest = value, now()
            except Exception:
                log.exception("the poll failed")
            turn = max(turn + 1, math.ceil((now() - start) / EVERY))
            await asyncio.sleep(start + turn * EVERY - now())

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        polling = asyncio.create_task(keep_polling())
        try:
            yield
        finally:
            polling.cancel()
            with suppress(asyncio.CancelledError):
                await polling

    app = FastAPI(lifespan=lifespan)

    @app.get("/latest")
    async def read():
        if latest is None:
            raise HTTPException(503, "nothing has been polled yet")
        value, got_at = latest
        return {"value": value, "age": asyncio.get_running_loop().time() - got_at}

    return app


WORKERS, WAITING, PATIENCE = 3, 10, 30


def exercise_4(work):
    """A queue with a limit says no when it is full, and that is the point of it: an endless
    queue accepts work that nobody will have done in time. `put_nowait` refuses at once where
    `put` would keep the client waiting. Three workers take jobs, and each `try` is around one
    job. `queue.join()` waits until all that was accepted is done, because it counts `task_done`;
    an empty queue alone says nothing of the jobs that are at work.

    Read: [Work that is accepted](../../lessons/day56.md#work-that-is-accepted).
    """
    queue: asyncio.Queue[int] = asyncio.Queue(WAITING)
    jobs: dict[int, Any] = {}
    states: dict[int, dict[str, Any]] = {}

    async def keep_working():
        while True:
            number = await queue.get()
            states[number]["state"] = "running"
            try:
                result = await work(jobs.pop(number))
                states[number] |= {"state": "done", "result": result}
            except Exception:
                log.exception("job %s failed", number)
                states[number]["state"] = "failed"
            finally:
                queue.task_done()

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        workers = [asyncio.create_task(keep_working()) for _ in range(WORKERS)]
        try:
            yield
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await queue.join()
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    app = FastAPI(lifespan=lifespan)

    @app.post("/jobs", status_code=202)
    async def accept(job: dict[str, Any]):
        number = len(states) + 1
        try:
            queue.put_nowait(number)
        except asyncio.QueueFull:
            raise HTTPException(503, "too much to do", {"Retry-After": "5"}) from None
        jobs[number] = job
        states[number] = {"state": "waiting", "result": None}
        return {"id": number}

    @app.get("/jobs/{id}")
    async def state(id: int):
        if id not in states:
            raise HTTPException(404, "no such job")
        return states[id]

    return app


LATE, FRESH = 1, 2


def exercise_5(check_database, check_cache):
    """*Live* means "don't restart me": it asks nobody. *Ready* means "send me requests", so it
    asks what they need. A probe must not become a load: all that come at once share one task,
    and its result serves for two seconds. Each waits behind a `shield`, because a prober that
    hangs up would otherwise cancel the check for all others.

    `limit.expired()` tells being late from a check that raises a `TimeoutError` of its own.

    Read: [Alive and ready](../../lessons/day56.md#alive-and-ready).
    """
    app = FastAPI()
    checking: asyncio.Task[dict[str, str]] | None = None
    fresh_until = 0.0

    async def state_of(check):
        try:
            async with asyncio.timeout(LATE) as limit:
                await check()
        except Exception:
            return "late" if limit.expired() else "failed"
        return "ok"

    async def check_all():
        nonlocal fresh_until
        states = await asyncio.gather(state_of(check_database), state_of(check_cache))
        fresh_until = asyncio.get_running_loop().time() + FRESH
        return dict(zip(("database", "cache"), states, strict=True))

    @app.get("/live")
    async def live():
        return {"status": "ok"}

    @app.get("/ready")
    async def ready():
        nonlocal checking
        is_over = checking is not None and checking.done()
        if checking is None or (is_over and asyncio.get_running_loop().time() >= fresh_until):
            checking = asyncio.create_task(check_all())
        states = await asyncio.shield(checking)
        is_ready = set(states.values()) == {"ok"}
        return JSONResponse(states, 200 if is_ready else 503)

    return app


class Question(BaseModel):
    x: float


def exercise_6(load_model):
    """A server takes no requests before the lifespan reaches its `yield`: loading *there*
    makes the start as slow as the load, and a plain function called on the loop stops everything
    else as well. So a task waits for a thread that loads, and the lifespan goes on at once.
    At shutdown the wait is cancelled; the thread is left behind (`abandon_on_cancel`), because
    a thread cannot be stopped from outside.

    Read: [A slow start](../../lessons/day56.md#a-slow-start).
    """
    model = None

    async def load():
        nonlocal model
        try:
            model = await anyio.to_thread.run_sync(load_model, abandon_on_cancel=True)
        except Exception:
            log.exception("the model could not be loaded")

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        loading = asyncio.create_task(load())
        try:
            yield
        finally:
            loading.cancel()
            with suppress(asyncio.CancelledError):
                await loading

    app = FastAPI(lifespan=lifespan)

    @app.get("/live")
    async def live():
        return {"status": "ok"}

    @app.post("/predict")
    async def predict(question: Question):
        if model is None:
            raise HTTPException(503, "the model is not loaded", {"Retry-After": "5"})
        return {"y": model(question.x)}

    return app
