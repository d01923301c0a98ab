import asyncio
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException


def exercise_5(fetch_account, fetch_limits, fetch_flags):
    app = FastAPI()

    async def account():
        try:
            return await fetch_account()
        except Exception as error:
            raise HTTPException(503) from error

    async def everything():
        try:
            account = await fetch_account()
            limits = await fetch_limits()
            flags = await fetch_flags()
        except Exception as error:
            raise HTTPException(503) from error
        return {"account": account, "limits": limits, "flags": flags}

    @app.get("/checkout")
    async def checkout(parts: Annotated[dict, Depends(everything)]):
        return parts

    @app.get("/account")
    async def only_account(account: Annotated[dict, Depends(account)]):
        return {"account": account}

    return app
