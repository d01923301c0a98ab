from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer


def exercise_4(find_user, list_secrets):
    app = FastAPI()
    oauth2 = OAuth2PasswordBearer(tokenUrl="token", auto_error=False)

    async def user(token: str | None = Depends(oauth2)):
        found = await find_user(token) if token else None
        if found is None:
            raise HTTPException(401, headers={"WWW-Authenticate": 'Bearer realm="course"'})
        return found

    async def admin(user=Depends(user)):
        if user["role"] == "admin":
            return user
        raise HTTPException(403)

    @app.get("/me")
    async def me(user=Depends(user)):
        return {"name": user["name"]}

    @app.get("/secrets")
    async def secrets(_=Depends(admin)):
        return await list_secrets()

    return app
