from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException


def exercise_5(fetch_account, fetch_limits, fetch_flags):
    app = FastAPI()

    async def account():
        try:
            return await fetch_account()
        except Exception as error:
            raise HTTPException(503) from error

    async def limits():
        try:
            return await fetch_limits()
        except Exception as error:
            raise HTTPException(503) from error

    async def flags():
        try:
            return await fetch_flags()
        except Exception as error:
            raise HTTPException(503) from error

    @app.get("/checkout")
    async def checkout(
        account: Annotated[Any, Depends(account)],
        limits: Annotated[Any, Depends(limits)],
        flags: Annotated[Any, Depends(flags)],
    ):
        return {"account": account, "limits": limits, "flags": flags}

    @app.get("/account")
    async def only_account(account: Annotated[Any, Depends(account)]):
        return {"account": account}

    return app
