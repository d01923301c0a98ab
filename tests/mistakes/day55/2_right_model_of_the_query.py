from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import BaseModel, Field, StringConstraints


class Page(BaseModel):
    page: int = Field(1, ge=1)
    results_per_page: int = Field(13, ge=1, le=100)
    search: Annotated[str, StringConstraints(strip_whitespace=True, max_length=50)] = ""

    @property
    def offset(self):
        return (self.page - 1) * self.results_per_page


def exercise_2(find_users, find_orders):
    app = FastAPI()

    def listing(path, find):
        @app.get(path)
        async def results(page: Annotated[Page, Query()]):
            found = await find(offset=page.offset, limit=page.results_per_page, search=page.search)
            return {"page": page.page, "results": found}

    listing("/users", find_users)
    listing("/orders", find_orders)
    return app
