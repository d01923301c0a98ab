import asyncio
from collections import OrderedDict
from datetime import datetime, timedelta

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel


class Answer(BaseModel):
    profile: object
    source: str
    age: float


class LastGood:
    def __init__(self, size=500, good_for=timedelta(seconds=60)):
        self.size, self.good_for = size, good_for
        self.entries = OrderedDict()

    def put(self, key, value):
        self.entries[key] = datetime.now(), value
        self.entries.move_to_end(key)
        while len(self.entries) > self.size:
            self.entries.popitem(last=False)

    def get(self, key):
        since, value = self.entries[key]
        age = datetime.now() - since
        if age > self.good_for:
            raise KeyError(key)
        return value, age.total_seconds()


def exercise_4(primary, replica):
    app = FastAPI()
    last = LastGood()

    @app.get("/profile/{id}")
    async def profile(id: int) -> Answer:
        try:
            try:
                found = await asyncio.wait_for(primary(id), 1)
                source = "primary"
            except LookupError:
                raise HTTPException(404, "no such profile")
            except Exception:
                found = await asyncio.wait_for(replica(id), 1)
                source = "replica"
        except LookupError:
            raise HTTPException(404, "no such profile")
        except HTTPException:
            raise
        except Exception:
            try:
                found, age = last.get(id)
            except KeyError:
                raise HTTPException(503, "try again later")
            return Answer(profile=found, source="cache", age=age)
        last.put(id, found)
        return Answer(profile=found, source=source, age=0)

    return app
