"""What is said of some mistakes of the bank, word for word, and what must not be said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.course.catalog import lesson
from grader.judge.diagnoses import Case, rules
from grader.judge.diagnoses.registry import Finding, rule
from grader.judge.grading import Grading
from grader.model.report import ExerciseReport

BANK = Path(__file__).parent / "mistakes"


def grade(grading: Grading, name: str) -> ExerciseReport:
    day, _, stem = name.rpartition("/")
    case = BANK / (day or "day53") / f"{stem}.py"
    return grading.grade(lesson(case.parent.name), case, (int(stem[0]),), seed=1).exercises[0]


NO_RACE = [
    "2_awaited_in_turn",
    "2_await_create_task_each",
    "2_dependencies",
    "2_semaphore_of_one",
    "2_two_and_then_one",
    "3_fetch_not_awaited",
    "3_rows_as_lists",
]


@pytest.mark.parametrize("name", NO_RACE)
def test_what_is_wrong_with_each_request_alone_is_no_race(grading: Grading, name: str) -> None:
    checks = grade(grading, name).checks
    assert "race" not in {diagnosis.id for check in checks for diagnosis in check.diagnoses}


SAID = {
    "day54/1_exception_returned": "is returned is data like any other: it has to be raised.",
    "day54/2_embedded": "Your endpoint looks for item in the body.",
    "day54/2_status_beside_the_item": "The answer is a list with 201 in it",
    "day54/4_utc_in_a_dict": "is written with +00:00, one in a Pydantic model with Z",
    "day55/4_header_required": "It may be missing, so it needs a default. Which one?",
    "day54/7_header_is_a_number": "`str(number)` turns a number into text",
    "1_busy_wait": "asks for the time over and over, until a moment has come.",
    "1_helper_never_awaited": "Lines 14, 19 and 24 call slow(), and nothing awaits what comes back",
    "1_to_thread_not_awaited": "calls to_thread(), and nothing awaits what comes back",
    "2_awaits_in_one_dict": "Each of the 3 awaits on it waits for its own call.",
    "2_awaits_in_a_loop": "The loop goes to its next round only when the call is over.",
    "2_semaphore_of_one": "lets only one of them in at a time (Semaphore.acquire).",
    "2_dependencies": "dependencies of the request, and FastAPI solves those one after the other",
    "2_except_star_inside_the_group": "an `except*` inside the block never meets it.",
    "2_except_star_of_os_errors": "ValueError is what is inside the group.",
    "2_except_without_star": "`except` doesn't look inside: `except*` does",
    "2_factory_misspelt": "The one at line 6 is called excercise_2.",
    "2_gather_given_a_list": "`gather` takes what it waits for one by one",
    "2_slip_while_results_come": "is done. It would have been there after",
    "2_queue_never_filled": "4 requests wait at line 23 for Queue.get.",
    "3_null_without_a_default": "It may be None, but it can't be left out without a default",
    "4_no_timeout": "as long as it takes: 5 s here, where 2 s is the most. Nothing puts an end",
    "4_timeout_error_caught_inside": "an `except` inside the block never meets it.",
    "4_timeout_in_milliseconds": "There is a limit, and it is 2000 s. In which unit is a limit",
    "4_polls_without_limit": "5 s here, where 2 s is the most. No limit ends it by then.",
    "5_any_json_accepted": 'with the bodies [1, 2], "a word", 3 and null',
    "6_loop_variable_bound_late": "A function looks up the variable of a loop when it runs",
    "7_last_row_kept_back": "sends a row only when the next one is there.",
    "7_plain_for": "An async generator gives its rows to `async for`",
    "7_ten_streams_at_most": "What do they share that only some of them can have at once?",
    "8_closed_in_except_exception": "Follow the request that is cancelled: which lines still run?",
    "8_factory_within_another": "is inside something else",
    "8_never_closed": "Follow the request to its end: which line closes it?",
}


@pytest.mark.parametrize("name", SAID)
def test_first_failure_is_explained_as_it_is(grading: Grading, name: str) -> None:
    """The first diagnosis of the first check that fails is what most learners read."""
    failure = grade(grading, name).first_failure
    assert failure is not None
    assert SAID[name] in failure.diagnoses[0].text


def test_a_rule_that_breaks_costs_nobody_the_verdict(
    grading: Grading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That the answer is wrong is known; only why is not, and that is the grader's fault."""

    @rule("breaks")
    def breaks(_: Case) -> Finding | None:
        raise KeyError("a bug")

    monkeypatch.setattr(rules, "RULES", (breaks, *rules.RULES))
    report = grade(grading, "2_awaited_in_turn")
    assert report.status == "failed"
    assert report.first_failure is not None
    [diagnosis] = report.first_failure.diagnoses
    assert diagnosis.id == "different"
    assert "Please report this:) KeyError('a bug')" in diagnosis.text


def test_looking_for_a_limit_spoils_no_later_check(grading: Grading) -> None:
    """Code that polls is not played for an hour, where it would be taken for an endless loop."""
    checks = grade(grading, "4_polls_without_limit").checks
    said = {diagnosis.id for check in checks for diagnosis in check.diagnoses}
    assert "endless-loop" not in said


def test_what_goes_on_is_told_of_each_request(grading: Grading) -> None:
    failure = grade(grading, "2_gather_leaves_siblings").first_failure
    assert failure is not None
    assert failure.expected == "nothing goes on after the answer"
    assert failure.actual == (
        "#1: fetch_orders, fetch_stats for 2.50 s; #2: fetch_user, fetch_stats for 2.50 s; "
        "#3: fetch_user, fetch_orders for 2.50 s after the answer"
    )
