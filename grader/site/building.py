"""Builds the site of a course: its pages, the script and the styles, and what works offline."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from string import Template

import msgspec

from ..course import catalog
from ..course.catalog import Lesson
from ..course.languages import language
from ..model.errors import UsageError
from ..render.page import HERE as RENDER
from ..render.text import marked_up
from .javascript import bundle_script
from .lessons import lesson_html, page_of, site_lesson

HERE = Path(__file__).parent
MARK = ".course-site"
"""A file that tells a site that was built by this command, and may be replaced."""

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",  # the editor and pictures bring styles along
        "connect-src 'self'",
        "worker-src 'self'",
        "img-src 'self' data:",
        "form-action 'none'",
        "base-uri 'none'",
    ]
)
"""What a browser lets a page do: nothing with any other host."""

TITLE = "Async FastAPI, in your browser"

MakeKernel = Callable[[Path], object]
"""Fills a folder with what runs and grades programs in the page."""


def build(out: Path, make_kernel: MakeKernel) -> None:
    """Build the site of this folder's course. What was in `out` before is replaced.

    Raises:
        UsageError: there is something else in `out`.
        GraderError: a part of the course is missing, or the script can't be built.
    """
    _make_way(out)
    lessons = catalog.lessons()
    for before, lesson, after in zip((None, *lessons), lessons, (*lessons[1:], None), strict=False):
        (out / page_of(lesson)).write_text(_lesson_page(lesson, before, after), "utf-8")
    (out / "index.html").write_text(_index(lessons), "utf-8")
    shutil.copy(HERE / "pages" / "icon.svg", out)
    styles = [RENDER / "verdict.css", HERE / "assets" / "site.css"]
    (out / "site.css").write_text("".join(s.read_text("utf-8") for s in styles), "utf-8")
    bundle_script(HERE / "assets" / "main.js", out / "site.js")
    make_kernel(out / "kernel")
    (out / "sw.js").write_text(service_worker(out), "utf-8")


def _make_way(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file", "name a folder for the site")
    if out.is_dir() and any(out.iterdir()):
        if not (out / MARK).is_file():
            raise UsageError(
                f"{out} holds something that isn't a site of a course",
                "name a new folder, or empty that one",
            )
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / MARK).touch()
    (out / ".nojekyll").touch()  # else GitHub Pages leaves some files out


def _lesson_page(lesson: Lesson, before: Lesson | None, after: Lesson | None) -> str:
    return _filled(
        "lesson.html",
        title=marked_up(f"{lesson.title} · {lesson.name}"),
        before=_link(before, "Before: "),
        after=_link(after, "Next: "),
        text=lesson_html(lesson),
        data=_data(site_lesson(lesson)),
    )


def _link(lesson: Lesson | None, word: str) -> str:
    if lesson is None:
        return ""
    return f' <a href="{page_of(lesson)}">{word}{marked_up(lesson.title)}</a>'


def _index(lessons: Iterable[Lesson]) -> str:
    shown = [
        f'<li data-lesson="{lesson.name}"><a href="{page_of(lesson)}">{marked_up(lesson.title)}</a>'
        f' <span class="quiet">{lesson.minutes} minutes</span> <span class="done"></span></li>'
        for lesson in lessons
    ]
    numbers = {lesson.name: [e.number for e in lesson.exercises] for lesson in lessons}
    return _filled("index.html", title=TITLE, lessons="\n".join(shown), data=_data(numbers))


def _filled(page: str, **parts: str) -> str:
    parts |= {"policy": POLICY, "language": language() or "en"}
    head = _template("head.html").substitute(parts)
    return _template(page).substitute(parts, head=head)


def _template(page: str) -> Template:
    return Template((HERE / "pages" / page).read_text("utf-8"))


def _data(value: object) -> str:
    """JSON that stands in a page: nothing in it can end the element."""
    return msgspec.json.encode(value).decode().replace("<", "\\u003c")


def service_worker(out: Path) -> str:
    """The script that keeps the site for offline use, with a digest of each of the files that it
    keeps: of the WebAssembly, which is there twice, only the compressed one."""
    files = {
        file.relative_to(out).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        for file in sorted(out.rglob("*"))
        if file.is_file() and not file.name.startswith(".") and file.name != "sw.js"
        if file.suffix != ".wasm"
    }
    head = f"const FILES = {json.dumps(files, indent=0)};\nconst POLICY = {json.dumps(POLICY)};\n"
    return head + (HERE / "assets" / "sw.js").read_text("utf-8")
