from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            return await fetch()
        except HTTPException:
            raise
        except TimeoutError:
            raise HTTPException(504, "timed out")
        except Exception:
            raise HTTPException(502, "bad gateway")

    return app
