import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        names = {fetch(): name for name, fetch in sources.items()}
        done, _ = await asyncio.wait(names.keys())
        results, errors = {}, {}
        for task in done:
            name = names[task.get_coro()]
            if task.exception():
                errors[name] = type(task.exception()).__name__
            else:
                results[name] = task.result()
        return {"results": results, "errors": errors}

    return app
