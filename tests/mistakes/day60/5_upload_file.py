import hashlib

from fastapi import FastAPI, HTTPException, UploadFile


def exercise_5(open_upload):
    app = FastAPI()

    @app.put("/files/{name}", status_code=201)
    async def put(name: str, file: UploadFile):
        size = 0
        digest = hashlib.sha256()
        upload = await open_upload(name)
        try:
            while piece := await file.read(65536):
                size += len(piece)
                if size > 1_000_000:
                    raise HTTPException(413)
                digest.update(piece)
                await upload.write(piece)
            await upload.commit()
        except BaseException:
            await upload.abort()
            raise
        return {"size": size, "sha256": digest.hexdigest()}

    return app
