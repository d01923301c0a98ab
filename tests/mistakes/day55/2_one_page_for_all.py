from typing import Annotated

from fastapi import Depends, FastAPI, Query
from pydantic import StringConstraints

Search = Annotated[str, StringConstraints(strip_whitespace=True, max_length=50)]


class Page:
    pass


def exercise_2(find_users, find_orders):
    app = FastAPI()
    current = Page()

    async def pagination(
        page: Annotated[int, Query(ge=1)] = 1,
        results_per_page: Annotated[int, Query(ge=1, le=100)] = 13,
        search: Search = "",
    ):
        current.page, current.limit, current.search = page, results_per_page, search
        current.offset = (page - 1) * results_per_page
        return current

    @app.get("/users")
    async def users(page: Annotated[Page, Depends(pagination)]):
        found = await find_users(page.offset, page.limit, page.search)
        return {"page": page.page, "results": found}

    @app.get("/orders")
    async def orders(page: Annotated[Page, Depends(pagination)]):
        found = await find_orders(page.offset, page.limit, page.search)
        return {"page": page.page, "results": found}

    return app
