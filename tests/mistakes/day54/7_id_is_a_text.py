import datetime
import logging

from fastapi import FastAPI, HTTPException, Response

log = logging.getLogger("day54")


def public(record):
    for name, kind in (("id", int), ("name", str), ("email", str), ("joined", datetime.date)):
        if not isinstance(record.get(name), kind):
            raise TypeError(name)
    local, host = record["email"].split("@")
    hint = local[:1] + "***@" + host
    return {
        "id": record["id"],
        "name": record["name"],
        "email_hint": hint,
        "joined": record["joined"],
    }


def exercise_7(find, find_all):
    app = FastAPI()

    @app.get("/users/{id}")
    async def one(id):
        record = await find(id)
        if record is None:
            raise HTTPException(404, "no such user")
        try:
            return public(record)
        except (TypeError, ValueError) as error:
            log.error("user %s", id, exc_info=True)
            raise HTTPException(500, "broken record") from error

    @app.get("/users")
    async def several(response: Response):
        records, users = await find_all(), []
        for record in records:
            try:
                users.append(public(record))
            except (TypeError, ValueError):
                pass
        response.headers["X-Skipped"] = str(len(records) - len(users))
        return users

    return app
