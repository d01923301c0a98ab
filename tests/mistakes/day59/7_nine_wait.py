import asyncio
from collections import deque
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException


class Gate:
    def __init__(self, most, queue, patience):
        self.free, self.most_waiting, self.patience = most, queue, patience
        self.line = deque()

    @asynccontextmanager
    async def place(self):
        await self.enter()
        try:
            yield
        finally:
            self.leave()

    async def enter(self):
        if self.free and not self.line:
            self.free -= 1
            return
        if len(self.line) >= self.most_waiting:
            raise TimeoutError
        turn = asyncio.get_running_loop().create_future()
        self.line.append(turn)
        try:
            await asyncio.wait_for(asyncio.shield(turn), self.patience)
        except BaseException:
            if turn.done():
                self.leave()
            else:
                self.line.remove(turn)
            raise

    def leave(self):
        if self.line:
            self.line.popleft().set_result(None)
        else:
            self.free += 1


def exercise_7(render):
    gate = Gate(5, 9, 2)
    app = FastAPI()

    @app.get("/render")
    async def page():
        try:
            await gate.enter()
        except TimeoutError:
            raise HTTPException(503, headers={"Retry-After": "2"}) from None
        try:
            return await render()
        finally:
            gate.leave()

    return app
