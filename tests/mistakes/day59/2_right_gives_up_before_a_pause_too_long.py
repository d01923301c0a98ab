import asyncio
import random

from fastapi import FastAPI, HTTPException, Request


class Retry:
    def __init__(self, tries, deadline, limit):
        self.tries, self.deadline, self.limit = tries, deadline, limit

    async def __call__(self, function, *args):
        now = asyncio.get_running_loop().time
        end = now() + self.deadline
        number = 0
        while True:
            try:
                return await asyncio.wait_for(function(*args), min(self.limit, end - now()))
            except (asyncio.TimeoutError, ConnectionError):
                number += 1
                if number == self.tries:
                    raise
                pause = 2 ** (number - 1) * random.betavariate(1, 1)
                if now() + pause >= end:
                    raise TimeoutError
                await asyncio.sleep(pause)


def exercise_2(call, charge):
    app = FastAPI()
    retry = Retry(tries=4, deadline=10, limit=2)
    once = Retry(tries=1, deadline=2, limit=2)

    @app.get("/rates")
    async def rates():
        return await told(retry, call)

    @app.post("/charges")
    async def charges(data: dict, request: Request):
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return await told(once, charge, data)
        return await told(retry, charge, data, key)

    async def told(policy, *args):
        try:
            return await policy(*args)
        except TimeoutError:
            raise HTTPException(504)
        except Exception:
            raise HTTPException(502)

    return app
