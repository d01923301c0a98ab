import asyncio

import anyio
from fastapi import FastAPI, Response


class Breaker:
    """Closed, open or probing; a timer turns open into ready."""

    def __init__(self):
        self.row = 0
        self.mode = "closed"

    def trip(self):
        self.row = 0
        self.mode = "open"
        asyncio.get_running_loop().call_later(10, self.ready)

    def ready(self):
        self.mode = "ready"


def exercise_5(call):
    app = FastAPI()
    breaker = Breaker()

    @app.get("/quote")
    async def quote(response: Response):
        if breaker.mode in ("open", "probing"):
            response.status_code = 503
            response.headers["retry-after"] = "10"
            return None
        probes = breaker.mode == "ready"
        if probes:
            breaker.mode = "probing"
        try:
            with anyio.fail_after(1):
                answer = await call()
        except Exception as error:
            response.status_code = 504 if isinstance(error, TimeoutError) else 502
            if probes:
                breaker.trip()
            elif breaker.mode == "closed":
                breaker.row += 1
                if breaker.row >= 3:
                    breaker.trip()
            return None
        except BaseException:
            if probes:
                breaker.mode = "ready"
            raise
        if probes or breaker.mode == "closed":
            breaker.mode, breaker.row = "closed", 0
        return answer

    return app
