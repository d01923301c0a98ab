import asyncio
from dataclasses import dataclass, field

from fastapi import Depends, FastAPI


@dataclass
class Aggregator:
    sources: dict
    results: dict = field(default_factory=dict)
    errors: dict = field(default_factory=dict)

    async def run(self):
        queue = asyncio.Queue()
        tasks = [asyncio.ensure_future(self._ask(n, queue)) for n in self.sources]
        for _ in tasks:
            kind, name, value = await queue.get()
            getattr(self, kind)[name] = value
        await asyncio.gather(*tasks)
        return {"results": self.results, "errors": self.errors}

    async def _ask(self, name, queue):
        try:
            await queue.put(("results", name, await self.sources[name]()))
        except Exception as exc:
            await queue.put(("errors", name, type(exc).__name__))


def exercise_6(sources):
    app = FastAPI()

    def make_aggregator():
        return Aggregator(sources)

    @app.get("/aggregate")
    async def aggregate(aggregator: Aggregator = Depends(make_aggregator)):
        return await aggregator.run()

    return app
