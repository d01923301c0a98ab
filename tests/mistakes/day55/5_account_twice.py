import asyncio
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException


def exercise_5(fetch_account, fetch_limits, fetch_flags):
    app = FastAPI()

    class Started:
        """All fetches of a request, under way."""

        def __init__(self, *fetches):
            self.tasks = [asyncio.create_task(fetch()) for fetch in fetches]

        async def results(self):
            try:
                return await asyncio.gather(*self.tasks)
            except Exception as error:
                raise HTTPException(503) from error
            finally:
                for task in self.tasks:
                    task.cancel()
                await asyncio.wait(self.tasks)

    async def known_account():
        try:
            await fetch_account()
        except Exception as error:
            raise HTTPException(503) from error

    async def all_started():
        return Started(fetch_account, fetch_limits, fetch_flags)

    async def account_started():
        return Started(fetch_account)

    @app.get("/checkout", dependencies=[Depends(known_account)])
    async def checkout(started: Annotated[Started, Depends(all_started)]):
        account, limits, flags = await started.results()
        return {"flags": flags, "limits": limits, "account": account}

    @app.get("/account", dependencies=[Depends(known_account)])
    async def only_account(started: Annotated[Started, Depends(account_started)]):
        [account] = await started.results()
        return {"account": account}

    return app
