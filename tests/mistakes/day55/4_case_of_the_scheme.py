from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException


def exercise_4(find_user, list_secrets):
    app = FastAPI()

    def stranger():
        return HTTPException(401, "who are you?", headers={"WWW-Authenticate": "Bearer"})

    async def user(authorization: Annotated[str, Header()] = ""):
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or not token.strip():
            raise stranger()
        found = await find_user(token.strip())
        if not found:
            raise stranger()
        return found

    async def admin(user: Annotated[dict, Depends(user)]):
        if user["role"] != "admin":
            raise HTTPException(403)

    @app.get("/me")
    async def me(user: Annotated[dict, Depends(user)]):
        return {"name": user["name"]}

    @app.get("/secrets", dependencies=[Depends(admin)])
    async def secrets():
        return await list_secrets()

    return app
