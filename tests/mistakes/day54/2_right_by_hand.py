from fastapi import FastAPI, HTTPException


def exercise_2():
    app = FastAPI()

    @app.post("/items", status_code=201)
    async def create(item: dict):
        if item.keys() != {"name", "price"}:
            raise HTTPException(422, "name and price, and nothing else")
        name, price = item["name"], item["price"]
        if not isinstance(name, str) or not 1 <= len(name.strip()) <= 50:
            raise HTTPException(422, "name")
        if isinstance(price, bool) or not isinstance(price, int | float) or price <= 0:
            raise HTTPException(422, "price")
        return {"name": name.strip(), "price": price}

    return app
