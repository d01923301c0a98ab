import anyio
from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            with anyio.fail_after(2):
                return await fetch()
        except TimeoutError:
            raise HTTPException(504, "gateway timeout")
        except Exception as error:
            if isinstance(error, HTTPException):
                raise
            raise HTTPException(502, "bad gateway")

    return app
