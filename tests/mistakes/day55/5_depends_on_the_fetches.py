from typing import Annotated, Any

from fastapi import Depends, FastAPI


def exercise_5(fetch_account, fetch_limits, fetch_flags):
    app = FastAPI()

    @app.get("/checkout")
    async def checkout(
        account: Annotated[Any, Depends(fetch_account)],
        limits: Annotated[Any, Depends(fetch_limits)],
        flags: Annotated[Any, Depends(fetch_flags)],
    ):
        return {"account": account, "limits": limits, "flags": flags}

    @app.get("/account")
    async def only_account(account: Annotated[Any, Depends(fetch_account)]):
        return {"account": account}

    return app
