from typing import Annotated

from fastapi import Depends, FastAPI, Query
from pydantic import BeforeValidator


def pagination(
    page: int = Query(1, ge=1),
    results_per_page: int = Query(13, gt=0, lt=101),
    search: Annotated[str, BeforeValidator(lambda text: text.strip()), Query(max_length=50)] = "",
):
    return page, (page - 1) * results_per_page, results_per_page, search


def exercise_2(find_users, find_orders):
    app = FastAPI()

    @app.get("/users")
    async def users(wanted=Depends(pagination)):
        page, *rest = wanted
        return {"page": page, "results": await find_users(*rest)}

    @app.get("/orders")
    async def orders(wanted=Depends(pagination)):
        page, *rest = wanted
        return {"page": page, "results": await find_orders(*rest)}

    return app
