import hashlib
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request


@asynccontextmanager
async def committing(upload):
    try:
        yield upload
        await upload.commit()
    except BaseException:
        await upload.abort()
        raise


def exercise_5(open_upload):
    app = FastAPI()

    @app.put("/files/{name}", status_code=201)
    async def put(name: str, request: Request):
        if int(request.headers.get("content-length", 0)) > 1_000_000:
            raise HTTPException(413)
        size = 0
        digest = hashlib.sha256()
        async with committing(await open_upload(name)) as upload:
            async for piece in request.stream():
                size += len(piece)
                if size > 1_000_000:
                    raise HTTPException(413)
                if piece:
                    digest.update(piece)
                    await upload.write(piece)
        return {"size": size, "sha256": digest.hexdigest()}

    return app
