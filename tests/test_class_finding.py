"""A class's hand-ins are found, whatever platform they come from. Takes a second or two."""

from __future__ import annotations

import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from class_of import Content, write_files, zipped

from grader.classroom import reading
from grader.classroom.finding import works
from grader.classroom.work import Work
from grader.course.catalog import lesson
from grader.model.errors import InputError

DAY53 = lesson("day53")
DAY54 = lesson("day54")
ANSWERS = "def exercise_1(): ...\n"
OTHERS = "def exercise_1(): pass\n"


def found(folder: Path, names: Path | None = None, file_times: bool = False) -> dict[str, Work]:
    """The works on day 53, by their students' keys."""
    return {one.student.key: one for one in works(folder, [DAY53], names, file_times)}


def problem(tmp_path: Path, files: dict[str, Content]) -> str:
    """Why the one student's files can't be graded."""
    [work] = works(write_files(tmp_path, files), [DAY53])
    assert not work.source
    return work.problem


@pytest.mark.parametrize(
    "name",
    [
        "anna.py",
        "anna_day53.py",
        "day53-anna.py",
        "anna/exercise.py",
        "anna/my answers.py",
        "anna/day53/exercise.py",
        "anna/course/exercises/day53/exercise.py",
    ],
)
def test_file_or_folder_is_called_after_its_student(tmp_path: Path, name: str) -> None:
    [work] = works(write_files(tmp_path, {name: ANSWERS}), [DAY53])
    assert (work.student.key, work.source, work.problem) == ("anna", ANSWERS, "")


@pytest.mark.parametrize(
    "content",
    [
        zipped({"exercise.py": ANSWERS}),
        zipped({"a/b/exercise.py": ANSWERS, "__MACOSX/a/._exercise.py": b"\0"}),
        zipped({"inner.zip": zipped({"day53/exercise.py": ANSWERS})}),
        zipped({"../../exercise.py": ANSWERS}),
    ],
    ids=["flat", "folders", "zip in zip", "leads out"],
)
def test_archive_is_a_folder(tmp_path: Path, content: bytes) -> None:
    [work] = works(write_files(tmp_path, {"anna.zip": content}), [DAY53])
    assert (work.student.key, work.source) == ("anna", ANSWERS)
    assert os.listdir(tmp_path) == ["anna.zip"]


def test_each_lesson_has_its_file(tmp_path: Path) -> None:
    files = {"a/exercises/day53/exercise.py": ANSWERS, "a/exercises/day54/exercise.py": OTHERS}
    assert [(one.lesson, one.source) for one in works(write_files(tmp_path, files), [DAY53])] == [
        ("day53", ANSWERS)
    ]
    both = works(tmp_path, [DAY54, DAY53])
    assert [(one.lesson, one.source) for one in both] == [("day53", ANSWERS), ("day54", OTHERS)]


def test_clone_of_the_course_is_not_taken_for_its_solutions(tmp_path: Path) -> None:
    clone = {
        "anna/solutions/day53/solution.py": OTHERS,
        "anna/tests/mistakes/day53/exercise.py": OTHERS,
        "anna/exercises/day53/exercise.py": ANSWERS,
    }
    assert found(write_files(tmp_path, clone))["anna"].source == ANSWERS
    (tmp_path / "anna/exercises/day53/exercise.py").unlink()
    assert found(tmp_path)["anna"].problem == "there is no file for day53"


def test_what_lies_beside_the_answers_comes_with_them(tmp_path: Path) -> None:
    files = {"a/day53/exercise.py": ANSWERS, "a/day53/lib/db.py": "X = 1", "a/day54/x.py": "Y"}
    assert found(write_files(tmp_path, files))["a"].helpers == {"lib/db.py": b"X = 1"}


def test_of_much_that_lies_beside_them_programs_come_first(tmp_path: Path) -> None:
    photos: dict[str, Content] = {f"a/{n}.jpg": b"\0" * reading.LARGEST for n in range(3)}
    files = photos | {"a/exercise.py": ANSWERS, "a/z/db.py": "X = 1"}
    assert list(found(write_files(tmp_path, files))["a"].helpers) == ["z/db.py", "0.jpg"]


def test_content_is_what_counts(tmp_path: Path) -> None:
    """The name of the student and of the file don't; what lies beside it does."""
    files = {"a.py": ANSWERS, "b/exercise.py": ANSWERS, "c/exercise.py": ANSWERS, "c/db.py": "1"}
    one, same, other = found(write_files(tmp_path, files)).values()
    assert one.digest == same.digest != other.digest


# Platforms


def test_moodle(tmp_path: Path) -> None:
    """With folders as it is set by default, or without."""
    files = {
        "Anna Ek_17_assignsubmission_file/exercise.py": ANSWERS,
        "Bo Li_18_assignsubmission_file_exercise.py": OTHERS,
        "Cy Oh_19_assignsubmission_file_/day53.zip": zipped({"exercise.py": ANSWERS}),
        "Di Xu_20_assignsubmission_onlinetext_/onlinetext.html": "<p>Here you are.",
    }
    each = found(write_files(tmp_path, files))
    assert {key: work.student.name for key, work in each.items()} == {
        "17": "Anna Ek",
        "18": "Bo Li",
        "19": "Cy Oh",
        "20": "Di Xu",
    }
    assert [work.source for work in each.values()] == [ANSWERS, OTHERS, ANSWERS, ""]
    assert each["20"].problem == "there is no Python file in it, only onlinetext.html"


def test_canvas(tmp_path: Path) -> None:
    """Several files of a student, one of them late."""
    files = {
        "ekanna_101_9001_exercise.py": ANSWERS,
        "ekanna_101_9002_notes.txt": "Sorry.",
        "libo_LATE_102_9003_day53-1.zip": zipped({"exercise.py": OTHERS}),
    }
    each = found(write_files(tmp_path, files))
    assert [(key, work.source, work.is_late) for key, work in each.items()] == [
        ("101", ANSWERS, False),
        ("102", OTHERS, True),
    ]


def test_clones_of_an_assignment(tmp_path: Path) -> None:
    """They are called after the assignment, and the student."""
    files = {
        f"week-1-{name}/{file}": ANSWERS
        for name in ("anna-ek", "bo")
        for file in (".git/HEAD", "exercises/day53/exercise.py")
    }
    assert list(found(write_files(tmp_path / "week-1-submissions", files))) == ["anna-ek", "bo"]


def test_folders_that_begin_alike_are_not_clones(tmp_path: Path) -> None:
    files = {"anna-ek/exercise.py": ANSWERS, "anna-li/exercise.py": ANSWERS}
    assert list(found(write_files(tmp_path, files))) == ["anna-ek", "anna-li"]


METADATA = """---
submission_1:
  :submitters:
  - :name: Anna Ek
    :sid: '17'
    :email: anna@x.org
  - :name: Bo Li
    :sid: ''
    :email: bo@x.org
  :created_at: 2026-11-02 14:22:32.365935000 Z
  :score: !ruby/object:BigDecimal 18:0.1e1
"""


def test_gradescope(tmp_path: Path) -> None:
    """A submission of a group is each member's. It is said when it came."""
    files = {
        "assignment_5_export/submission_metadata.yml": METADATA,
        "assignment_5_export/submission_1/exercise.py": ANSWERS,
    }
    each = found(write_files(tmp_path, files))
    assert {key: work.student.name for key, work in each.items()} == {
        "17": "Anna Ek",
        "bo@x.org": "Bo Li",
    }
    assert {work.source for work in each.values()} == {ANSWERS}
    when = datetime(2026, 11, 2, 14, 22, 32, 365935, UTC)
    assert [work.submitted for work in each.values()] == [when, when]


def test_archive_of_a_platform_is_opened(tmp_path: Path) -> None:
    archive = tmp_path / "class.zip"
    archive.write_bytes(zipped({"A_1_assignsubmission_file/exercise.py": ANSWERS}))
    assert found(archive)["1"].source == ANSWERS


# Names


def test_list_names_students_and_those_who_are_missing(tmp_path: Path) -> None:
    """Moodle's own list, with its times."""
    names = tmp_path / "class.csv"
    names.write_text(
        "Identifier,Full name,Email address,Last modified (submission)\n"
        'Participant 17,Ek Anna,anna@x.org,"Monday, 2 November 2026, 4:42 PM"\n'
        "Participant 18,Li Bo,bo@x.org,-\n"
    )
    files = {"anna_17_assignsubmission_file/exercise.py": ANSWERS}
    each = found(write_files(tmp_path / "in", files), names)
    assert [(one.student.name, one.student.email, one.problem) for one in each.values()] == [
        ("Ek Anna", "anna@x.org", ""),
        ("Li Bo", "bo@x.org", "nothing was handed in"),
    ]
    assert each["17"].submitted == datetime(2026, 11, 2, 16, 42).astimezone()


def test_list_of_your_own(tmp_path: Path) -> None:
    """Any separator; a name in two columns; the key is a user name."""
    text = 'username;first name;last name\nae;"Anna ""Ann""";"Ek\n(guest)"\n'
    (tmp_path / "names.csv").write_text(text)
    each = found(write_files(tmp_path / "in", {"AE.py": ANSWERS}), tmp_path / "names.csv")
    assert each["AE"].student.name == 'Anna "Ann" Ek\n(guest)'


def test_login_is_an_address_only_where_it_is_one(tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("Student,ID,SIS Login ID\nEk,1,ae\nLi,2,bo@x.org\n")
    each = found(write_files(tmp_path / "in", {"ae.py": ANSWERS}), tmp_path / "names.csv")
    assert {key: one.student.email for key, one in each.items()} == {"ae": "", "2": "bo@x.org"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("colour\nred\n", "doesn't say whose a submission is"),
        ("id,name\n1,anna\n2,anna\n", "has 2 rows with 'anna'"),
        ("", "doesn't say whose a submission is"),
        (b"id\n\xff", "can't be read"),
    ],
)
def test_list_that_tells_nobody_apart(tmp_path: Path, text: Content, reason: str) -> None:
    write_files(tmp_path, {"names.csv": text, "in/anna.py": ANSWERS})
    with pytest.raises(InputError, match=reason):
        found(tmp_path / "in", tmp_path / "names.csv")


def test_files_tell_when_they_were_handed_in_only_if_asked(tmp_path: Path) -> None:
    write_files(tmp_path, {"anna.py": ANSWERS})
    os.utime(tmp_path / "anna.py", (1e9, 1e9))
    assert found(tmp_path)["anna"].submitted is None
    assert found(tmp_path, file_times=True)["anna"].submitted == datetime.fromtimestamp(1e9, UTC)


# What can't be graded


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"a.py": ""}, "a.py is empty"),
        ({"a.py": b"\xff\xfe"}, "a.py is not UTF-8: byte 0xff in line 1"),
        ({"a.py": b"x = 1\n\0"}, "a.py holds a null byte in line 2"),
        ({"a.zip": b"PK, or not"}, "a.zip can't be opened: File is not a zip file"),
        ({"a.zip": zipped({})}, "it is empty"),
        ({"a/x.rar": b"Rar!"}, "x.rar is an archive of a kind that isn't opened; ask for a zip"),
        ({"a/x.ipynb": "{}"}, "x.ipynb is a notebook; ask for the file exercise.py"),
        ({"a/x.py": "1", "a/y.py": "2"}, "several files could be the answers to day53"),
        ({"a.py": "#" * (reading.LARGEST + 1)}, "a.py is too large to be a file of answers"),
    ],
)
def test_problem_is_named(tmp_path: Path, files: dict[str, Content], reason: str) -> None:
    assert problem(tmp_path, files).startswith(reason)


def test_archives_within_archives_end_somewhere(tmp_path: Path) -> None:
    content = zipped({"exercise.py": ANSWERS})
    for _ in range(reading.DEEPEST):
        content = zipped({"inner.zip": content})
    assert "archive in an archive" in problem(tmp_path, {"a.zip": content})


def test_archive_that_swells_is_left(tmp_path: Path) -> None:
    """A hundred times a megabyte of nothing takes a hundred kilobytes."""
    content = zipped({f"{number}.txt": b"\0" * reading.LARGEST for number in range(100)})
    assert len(content) < 2**18
    assert problem(tmp_path, {"a.zip": content}) == "it holds more than 32 MB"


def test_archive_that_lies_about_sizes(tmp_path: Path) -> None:
    """No more is read than it says, and then it is broken."""
    content = zipped({"exercise.py": b"\0" * 2**20})
    real, said = (2**20).to_bytes(4, "little"), (10).to_bytes(4, "little")
    assert "can't be opened" in problem(tmp_path, {"a.zip": content.replace(real, said)})


def test_archive_with_a_password(tmp_path: Path) -> None:
    content = bytearray(zipped({"exercise.py": ANSWERS}))
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(signature) + flags] |= 1
    assert "password" in problem(tmp_path, {"a.zip": bytes(content)})


def test_archive_of_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_FILES", 3)
    assert problem(tmp_path, {"a.zip": zipped({f"{n}.py": "1" for n in range(4)})}) == (
        "it holds more than 3 files"
    )


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A student's link to another's file, or out of the folder, gives nothing."""
    secret = write_files(tmp_path, {"secret.py": ANSWERS}) / "secret.py"
    folder = write_files(tmp_path / "in", {"anna/notes.txt": "?"})
    (folder / "anna" / "exercise.py").symlink_to(secret)
    (folder / "bo.py").symlink_to(secret)
    assert [work.problem for work in found(folder).values()] == [
        "exercise.py is a link, not a file",
        "bo.py is a link, not a file",
    ]


def test_link_in_an_archive_is_told(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("exercise.py")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    [work] = works(tmp_path, [DAY53])
    assert work.problem == "exercise.py is a link, not a file"


def test_broken_hand_in_costs_nobody_else_anything(tmp_path: Path) -> None:
    each = found(write_files(tmp_path, {"a.zip": b"broken", "b.py": ANSWERS}))
    assert [bool(work.problem) for work in each.values()] == [True, False]


def test_names_need_not_be_text(tmp_path: Path) -> None:
    """Neither a student's nor that of what lies beside the answers, though both are kept as it."""
    for name in (b"an\xffna/exercise.py", b"an\xffna/\xfe.txt", b"bo\xff.zip", b"cy\xff.py"):
        write_files(tmp_path, {os.fsdecode(name): ANSWERS})
    each = found(tmp_path)
    assert list(each) == [r"an\xffna", r"bo\xff", r"cy\xff"]
    assert [work.problem[:14] for work in each.values()] == ["", r"bo\xff.zip can", ""]
    assert list(each[r"an\xffna"].helpers) == [r"\xfe.txt"]
    assert all(work.digest for work in each.values() if not work.problem)


def test_folders_within_folders_end_somewhere(tmp_path: Path) -> None:
    deep = "/".join("d" * 600)
    assert problem(tmp_path, {f"a/{deep}/x.py": ANSWERS}) == "its folders are more than 100 deep"


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_folder_without_hand_ins_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError):
        works(tmp_path / name, [DAY53])
