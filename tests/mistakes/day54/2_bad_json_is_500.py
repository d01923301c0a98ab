import json

from fastapi import FastAPI, HTTPException, Request, Response


def exercise_2():
    app = FastAPI()

    @app.post("/items")
    async def create(request: Request):
        try:
            body = await request.json()
        except KeyError:
            raise HTTPException(422, "not JSON")
        match body:
            case {"name": str(name), "price": int() | float() as price, **rest} if (
                not rest and not isinstance(price, bool)
            ):
                name = name.strip()
            case _:
                raise HTTPException(422)
        if not 1 <= len(name) <= 50 or not price > 0:
            raise HTTPException(422, "out of bounds")
        return Response(
            json.dumps({"price": price, "name": name}), 201, media_type="application/json"
        )

    return app
