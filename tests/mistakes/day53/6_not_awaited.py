from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        results = {}
        errors = {}
        for name, fetch in sources.items():
            try:
                results[name] = fetch()
            except Exception as e:
                errors[name] = type(e).__name__
        return {"results": results, "errors": errors}

    return app
