from datetime import datetime

import psycopg
from fastapi import FastAPI, HTTPException
from psycopg.rows import class_row
from pydantic import BaseModel


class User(BaseModel):
    id: int
    username: str
    email: str | None
    created_at: datetime
    updated_at: datetime | None


def exercise_1(dsn):
    app = FastAPI()

    @app.get("/users/{id}")
    async def read(id: int):
        with psycopg.connect(dsn) as conn, conn.cursor(row_factory=class_row(User)) as cursor:
            user = cursor.execute("SELECT * FROM users WHERE id = %s", (id,)).fetchone()
        if user is None:
            raise HTTPException(404, "no such user")
        return user

    return app
