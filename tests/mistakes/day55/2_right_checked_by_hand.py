from dataclasses import dataclass

from fastapi import Depends, FastAPI, HTTPException, Query


@dataclass
class Page:
    page: int = Query(default=1, ge=1)
    results_per_page: int = Query(default=13, ge=1, le=100)
    search: str = Query(default="")

    def __post_init__(self):
        self.search = self.search.strip()
        if len(self.search) > 50:
            raise HTTPException(422, "search is too long")


def exercise_2(find_users, find_orders):
    app = FastAPI()

    async def results(page, find):
        offset = page.results_per_page * (page.page - 1)
        return {"page": page.page, "results": await find(offset, page.results_per_page, page.search)}

    @app.get("/users")
    async def users(page: Page = Depends()):
        return await results(page, find_users)

    @app.get("/orders")
    async def orders(page: Page = Depends()):
        return await results(page, find_orders)

    return app
