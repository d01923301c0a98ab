"""Archives of packages as the page's workers unpack them: as few bytes as possible."""

from __future__ import annotations

import gzip
import json
import shutil
import struct
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..model.errors import GraderError

HERE = Path(__file__).parent
COMPILER, COMPILING = HERE / "assets" / "compile.mjs", HERE / "compiling.py"
PATIENCE = 600.0
"""Real seconds for the compiler."""
LEFT_OUT = (".pyi", ".typed", ".md", ".rst", ".exe", ".h", ".pxd", ".c")
OF_METADATA = frozenset({"METADATA", "entry_points.txt"})
"""What is kept of what wheels say of themselves."""
NEVER_IMPORTED = ("pydantic/v1/", "pydantic/mypy.py", "anyio/_backends/_trio.py")
"""Parts of packages that nothing in the page imports, or does without where they are missing."""
KEPT = {
    Path("pygments", "lexers"): {"__init__.py", "_mapping.py", "diff.py", "python.py"},
    Path("rich"): {
        *("__init__.py", "_emoji_replace.py", "_extension.py", "_loop.py", "_palettes.py"),
        *("_pick.py", "_wrap.py", "align.py", "cells.py", "color.py", "color_triplet.py"),
        *("constrain.py", "containers.py", "control.py", "emoji.py", "errors.py", "jupyter.py"),
        *("measure.py", "palette.py", "protocol.py", "repr.py", "segment.py", "style.py"),
        *("terminal_theme.py", "text.py"),
    },
    Path("rich", "_unicode_data"): {"__init__.py", "_versions.py", "unicode17-0-0.py"},
}
"""All that is kept of the files in a folder: what colours pytest's diffs, and what draws a timeline
with characters."""
CERTIFICATES = Path("certifi", "cacert.pem")


def copy_packages(source: Path, names: Iterable[str], target: Path) -> None:
    """Copy what these packages need to run, out of a folder that they are installed in."""
    wanted = frozenset(names)
    for entry in sorted(source.iterdir()):
        name = entry.name.partition("-")[0] if entry.suffix == ".dist-info" else entry.stem
        if name in wanted or entry.name in wanted:
            for file in _files(entry):
                if _is_needed(file.relative_to(source)):
                    copy(file, target / file.relative_to(source))
    for metadata in target.glob("*.dist-info/METADATA"):
        fields = metadata.read_text("utf-8").partition("\n\n")[0]  # a project's README follows
        metadata.write_text(f"{fields}\n", "utf-8")
    _keep_one_certificate(target / CERTIFICATES)


def _keep_one_certificate(file: Path) -> None:
    """A client that may speak TLS reads some; in the page, none is ever used."""
    if file.is_file():
        end = "-----END CERTIFICATE-----\n"
        file.write_text(file.read_text("utf-8").partition(end)[0] + end, "utf-8")


def copy(file: Path, target: Path) -> None:
    """Copy a file, with the folders that it lies in."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)


def _files(entry: Path) -> Iterator[Path]:
    found = sorted(entry.rglob("*")) if entry.is_dir() else [entry]
    return (file for file in found if file.is_file())


def _is_needed(file: Path) -> bool:
    if file.suffix in LEFT_OUT or {"__pycache__", "tests"} & {*file.parts}:
        return False
    if file.parts[0].endswith(".dist-info"):
        return file.name in OF_METADATA
    if file.parent in KEPT:
        return file.name in KEPT[file.parent]
    return not file.as_posix().startswith(NEVER_IMPORTED)


def compile_in_place(folder: Path, modules: Path) -> None:
    """Compile the packs and the library in a folder for the Python of the page.

    Args:
        modules: the `node_modules` with Pyodide.

    Raises:
        GraderError: it can't be done.
    """
    node = shutil.which("node")
    if node is None:
        raise GraderError(
            "there is no Node.js here", "install it: the packages are compiled with it"
        )
    pyodide = modules / "pyodide" / "pyodide.mjs"
    command = [node, str(COMPILER), str(pyodide), str(COMPILING), str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE)
    except (OSError, subprocess.SubprocessError) as error:
        said = str(getattr(error, "stderr", None) or error).strip()[-2_000:]
        raise GraderError(f"the packages can't be compiled: {said}", "try again") from error


def write_pack(folder: Path, out: Path) -> int:
    """Write one archive of all files in a folder; `worker.js` says of what form.

    Returns:
        Its size in bytes.
    """
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    index = [[file.relative_to(folder).as_posix(), file.stat().st_size] for file in files]
    head = json.dumps(index, separators=(",", ":")).encode()
    whole = b"".join([struct.pack("!I", len(head)), head, *(file.read_bytes() for file in files)])
    return write_compressed(whole, out)


def write_compressed(content: bytes, out: Path) -> int:
    """Write it with gzip, the same bytes each time; the size of what was written."""
    out.write_bytes(gzip.compress(content, 9, mtime=0))
    return out.stat().st_size
