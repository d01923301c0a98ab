"""Explains an id: its rule's documentation, and its example, played."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import msgspec

from ..model.explanation import Explanation, PlayedProgram
from ..model.scenarios import Scenario
from ..model.trace import Trace
from .diagnoses import IDS, Case, diagnose, documentation
from .diagnoses.examples import EXAMPLES, FACTORY, Example
from .diagnoses.own import own_documentation
from .owners import with_owners
from .players import FilePlayer, Subject
from .workers import Worker


def summaries() -> dict[str, str]:
    """What each id means, in one sentence: the kit's, and those of the course's lessons."""
    texts = {id_: documentation(id_) for id_ in IDS} | own_documentation()
    return {id_: _first_sentence(texts[id_]) for id_ in sorted(texts)}


def summary(id_: str) -> str:
    """What an id means, in one sentence; empty for one that nothing explains."""
    return _first_sentence(documentation(id_) or own_documentation().get(id_, ""))


def _first_sentence(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())


def explain(id_: str) -> Explanation:
    """What an id means, with its two programs played; those of lessons have no programs.

    Raises:
        KeyError: there is no such id.
        GraderError: a service that the programs need can't be started.
    """
    if id_ not in EXAMPLES:
        return _in_words(id_, own_documentation()[id_])
    example = EXAMPLES[id_]
    with closing(Worker()) as worker, played(example, worker) as case:
        return msgspec.structs.replace(
            _in_words(id_, documentation(id_)),
            wrong=PlayedProgram(example.wrong, case.got, diagnose(case)[0].text),
            right=PlayedProgram(example.right, case.expected),
        )


def _in_words(id_: str, text: str) -> Explanation:
    first, *between, last = [" ".join(one.split()) for one in text.split("\n\n")]
    return Explanation(id=id_, summary=first, reason="\n\n".join(between), remedy=last)


@contextmanager
def played(example: Example, worker: Worker) -> Iterator[Case]:
    """The failed check that an example makes: its wrong program held against its right one."""
    with ExitStack() as stack:
        learner, reference = (
            Subject(stack.enter_context(closing(player)), FACTORY)
            for player in (
                FilePlayer(worker, example.wrong, "/wrong.py", remember=True),
                FilePlayer(worker, example.right, "/right.py", remember=True, is_ours=True),
            )
        )

        def replay(scenario: Scenario) -> tuple[Trace, Trace]:
            expected = with_owners(reference.play(scenario))
            return with_owners(learner.play(scenario)), expected

        got, expected = replay(example.scenario)
        aspect = example.aspect if got.outcome.kind == "finished" else None
        yield Case(got, expected, example.scenario, aspect, replay, example.wrong)
