import asyncio
from collections import deque
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException


class Full(Exception):
    pass


class Bulkhead:
    def __init__(self, places, line, patience):
        self.free, self.line, self.patience = places, line, patience
        self.waiting = deque()

    @asynccontextmanager
    async def place(self):
        if self.free:
            self.free -= 1
        else:
            await self.wait()
        try:
            yield
        finally:
            self.pass_on()

    async def wait(self):
        if len(self.waiting) >= self.line:
            raise Full
        turn = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        try:
            done, _ = await asyncio.wait([turn], timeout=self.patience)
        except asyncio.CancelledError:
            if turn.done():
                self.pass_on()
            raise
        finally:
            if turn in self.waiting:
                self.waiting.remove(turn)
        if not done:
            raise Full

    def pass_on(self):
        if self.waiting:
            self.waiting.popleft().set_result(None)
        else:
            self.free += 1


def exercise_7(render):
    app = FastAPI()
    bulkhead = Bulkhead(5, 10, 2)

    @app.get("/render")
    async def page():
        try:
            async with bulkhead.place():
                return await render()
        except Full:
            raise HTTPException(503, headers={"Retry-After": "2"})

    return app
