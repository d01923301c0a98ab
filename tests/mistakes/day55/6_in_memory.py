from fastapi import FastAPI, HTTPException
from pydantic import BaseModel


class Taker(BaseModel):
    name: str


def exercise_6(dsn):
    app = FastAPI()
    seats = {1: None, 2: None, 3: "Grace", 4: None}

    @app.post("/seats/{id}", status_code=201)
    async def take(id: int, taker: Taker):
        if id not in seats:
            raise HTTPException(404)
        if seats[id] not in (None, taker.name):
            raise HTTPException(409)
        if taker.name in seats.values() and seats[id] != taker.name:
            raise HTTPException(409)
        seats[id] = taker.name
        return {"id": id, "taken_by": taker.name}

    return app
