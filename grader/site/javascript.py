"""The JavaScript of others: fetched from the npm registry by the lock file, and bundled."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from platformdirs import user_cache_path

from ..model.errors import GraderError, UsageError
from ..model.version import APPLICATION

HERE = Path(__file__).parent
LISTS = ("package.json", "package-lock.json")
INSTALL_SITE = 'python -m pip install ".[site]"'
PATIENCE = 600.0
"""Real seconds for a command of npm's."""


def node_modules() -> Path:
    """The folder with all packages of the lock file; they are fetched once for each lock file.

    Raises:
        UsageError: there is no npm.
        GraderError: npm can't fetch them.
    """
    lists = [(HERE / name).read_bytes() for name in LISTS]
    digest = hashlib.sha256(b"\0".join(lists)).hexdigest()[:12]
    place = user_cache_path(APPLICATION) / f"site-{digest}"
    if not place.is_dir():
        _fetch(place)
    return place / "node_modules"


def _fetch(place: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise UsageError("npm isn't installed, and a site is built with it", INSTALL_SITE)
    place.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=place.parent, prefix="site-") as fresh:
        for name in LISTS:
            shutil.copy(HERE / name, fresh)
        _run([npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], Path(fresh))
        with suppress(OSError):  # another build was first
            Path(fresh).rename(place)
            Path(fresh).mkdir()


def bundle_script(entry: Path, out: Path) -> None:
    """Make one script of `entry` and all that it imports.

    Raises:
        UsageError: there is no npm.
        GraderError: it can't be made.
    """
    modules = node_modules()
    esbuild = modules / ".bin" / "esbuild"
    options = ["--bundle", "--minify", "--format=esm", "--target=es2022", "--legal-comments=eof"]
    _run(
        [str(esbuild), str(entry), *options, f"--outfile={out.resolve()}", "--log-level=warning"],
        entry.parent,
        NODE_PATH=str(modules),
    )


def _run(command: list[str], folder: Path, **environment: str) -> None:
    try:
        subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", None) or error).strip()
        raise GraderError(f"the site's script can't be built: {said}", "does npm work?") from error
