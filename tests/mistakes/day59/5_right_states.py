import asyncio
import enum

from fastapi import FastAPI, HTTPException


class State(enum.Enum):
    CLOSED = 1
    OPEN = 2
    HALF_OPEN = 3


class OpenError(Exception):
    pass


class Breaker:
    def __init__(self, threshold, recovery):
        self.threshold, self.recovery = threshold, recovery
        self.state = State.CLOSED
        self.count = 0
        self.opened = 0.0

    async def __call__(self, function):
        now = asyncio.get_running_loop().time
        if self.state is State.OPEN and now() - self.opened >= self.recovery:
            return await self.probe(function, now)
        if self.state is not State.CLOSED:
            raise OpenError
        try:
            result = await function()
        except Exception:
            if self.state is State.CLOSED:
                self.count += 1
                if self.count == self.threshold:
                    self.open(now)
            raise
        if self.state is State.CLOSED:
            self.count = 0
        return result

    async def probe(self, function, now):
        self.state = State.HALF_OPEN
        try:
            result = await function()
        except Exception:
            self.open(now)
            raise
        except asyncio.CancelledError:
            self.state = State.OPEN
            raise
        self.state, self.count = State.CLOSED, 0
        return result

    def open(self, now):
        self.state, self.opened = State.OPEN, now()


def exercise_5(call):
    app = FastAPI()
    breaker = Breaker(3, 10)

    @app.get("/quote")
    async def quote():
        try:
            return await breaker(lambda: asyncio.wait_for(call(), 1))
        except OpenError:
            raise HTTPException(503, headers={"Retry-After": "10"}) from None
        except TimeoutError as error:
            raise HTTPException(504) from error
        except Exception as error:
            raise HTTPException(502) from error

    return app
