from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer


def exercise_4(find_user, list_secrets):
    app = FastAPI()
    bearer = HTTPBearer(auto_error=False)

    async def user(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]):
        found = None
        if credentials and credentials.credentials:
            found = await find_user(credentials.credentials)
        if found is None:
            raise HTTPException(401, "who are you?", {"WWW-Authenticate": "Bearer"})
        return found

    async def admin(user: Annotated[dict, Depends(user)]):
        if user["role"] != "admin":
            raise HTTPException(403, "administrators only")
        return user

    @app.get("/me")
    async def me(user: Annotated[dict, Depends(user)]):
        return {"name": user["name"]}

    @app.get("/secrets")
    async def secrets(user: Annotated[dict, Depends(user)]):
        found = await list_secrets()
        await admin(user)
        return found

    return app
