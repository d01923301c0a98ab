import hashlib

from fastapi import FastAPI, HTTPException, Request


def exercise_5(open_upload):
    app = FastAPI()

    @app.put("/files/{name}", status_code=201)
    async def put(name: str, request: Request):
        size = 0
        digest = hashlib.sha256()
        upload = await open_upload(name)
        try:
            body = await request.body()
            size = len(body)
            if size > 1_000_000:
                raise HTTPException(413)
            digest.update(body)
            await upload.write(body)
            await upload.commit()
        except BaseException:
            await upload.abort()
            raise
        return {"size": size, "sha256": digest.hexdigest()}

    return app
