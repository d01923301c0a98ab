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
            results = await asyncio.gather(
                fetch_account(), fetch_limits(), fetch_flags(), return_exceptions=True
            )
        finally:
            pass
        if any(isinstance(result, Exception) for result in results):
            raise HTTPException(503)
        return dict(zip(("account", "limits", "flags"), results))

    @app.get("/checkout")
    async def checkout(parts: Annotated[dict, Depends(everything)]):
        return parts

    @app.get("/account")
    async def only_account(account: Annotated[dict, Depends(account)]):
        return {"account": account}

    return app
