from fastapi import FastAPI, HTTPException
from pydantic import BaseModel


class NewUser(BaseModel):
    username: str
    email: str


class Change(BaseModel):
    version: int
    username: str = ""
    email: str = ""


def exercise_4(dsn):
    app = FastAPI()
    users = {
        1: {"id": 1, "username": "ada", "email": "ada@example.org", "version": 1},
        2: {"id": 2, "username": "grace", "email": "grace@example.org", "version": 1},
        3: None,
    }

    def found(id):
        if users.get(id) is None:
            raise HTTPException(404)
        return users[id]

    @app.post("/users", status_code=201)
    async def add(user: NewUser):
        id = len(users) + 1
        users[id] = {"id": id, **user.model_dump(), "version": 1}
        return users[id]

    @app.get("/users/{id}")
    async def read(id: int):
        return found(id)

    @app.patch("/users/{id}")
    async def change(id: int, change: Change):
        user = found(id)
        if user["version"] != change.version:
            raise HTTPException(409)
        users[id] = {**user, **change.model_dump(exclude_unset=True), "version": change.version + 1}
        return users[id]

    @app.delete("/users/{id}", status_code=204)
    async def remove(id: int):
        found(id)
        users[id] = None

    return app
