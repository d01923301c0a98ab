import anyio
from fastapi import FastAPI, HTTPException


def exercise_1(call):
    app = FastAPI()

    @app.get("/rates")
    async def rates(tries: int = 2):
        try:
            with anyio.fail_after(2):
                return await call()
        except (TimeoutError, ConnectionError) as error:
            if tries > 1:
                return await rates(tries - 1)
            raise HTTPException(504 if isinstance(error, TimeoutError) else 502)
        except Exception:
            raise HTTPException(502)

    return app
