from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request


def exercise_4(find_user, list_secrets):
    async def user(request: Request):
        words = request.headers.get("authorization", "").split()
        if len(words) == 2 and words[0].casefold() == "bearer":
            found = await find_user(words[1])
            if found is not None:
                return found
        raise HTTPException(401, "no", {"www-authenticate": "Bearer"})

    class Needs:
        def __init__(self, role):
            self.role = role

        def __call__(self, user: Annotated[dict, Depends(user)]):
            if user["role"] != self.role:
                raise HTTPException(403, "no")

    private = APIRouter(dependencies=[Depends(Needs("admin"))])

    @private.get("/secrets")
    async def secrets():
        return await list_secrets()

    app = FastAPI()
    app.include_router(private)

    @app.get("/me")
    async def me(user: Annotated[dict, Depends(user)]):
        return {"name": user["name"]}

    return app
