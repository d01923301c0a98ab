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
            async for piece in request.stream():
                size += len(piece)
                if size > 1_000_000:
                    raise HTTPException(413)
                digest.update(piece)
                await upload.write(piece)
            await upload.commit()
        except BaseException:
            await upload.abort()
            return {"error": "the upload failed"}
        return {"size": size, "sha256": digest.hexdigest()}

    return app
