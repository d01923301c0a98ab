"""Folders of what classes have handed in, as learning platforms lay them out."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

Content = str | bytes


def write_files(folder: Path, files: Mapping[str, Content]) -> Path:
    """Files by their paths in a folder, which is returned."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def zipped(files: Mapping[str, Content]) -> bytes:
    """An archive with these files in it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return archive.getvalue()


NAPS = """import asyncio
from fastapi import FastAPI


def exercise_1():
    app = FastAPI()

    @app.get("/nap")
    async def nap():
        await asyncio.sleep({seconds})

    return app


def exercise_2(sleep):
    app = FastAPI()

    @app.get("/nap")
    async def rest():
        {body}

    return app
"""


def naps(seconds: int = 1, body: str = "return await sleep()") -> str:
    """Answers to the toy lesson; these are right."""
    return NAPS.format(seconds=seconds, body=body)
