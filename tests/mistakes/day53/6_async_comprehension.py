from fastapi import FastAPI


async def attempt(fetch):
    try:
        return True, await fetch()
    except Exception as e:
        return False, type(e).__name__


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        outcomes = {name: await attempt(fetch) for name, fetch in sources.items()}
        return {
            "results": {name: value for name, (ok, value) in outcomes.items() if ok},
            "errors": {name: value for name, (ok, value) in outcomes.items() if not ok},
        }

    return app
