"""Explains an id: its rule's documentation, and its example, played."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from ..model.explanation import Explanation, PlayedProgram
from ..model.scenarios import Scenario
from ..model.trace import Trace
from .diagnoses import Case, diagnose, documentation
from .diagnoses.examples import EXAMPLES, FACTORY, Example
from .owners import with_owners
from .players import FilePlayer, Subject
from .workers import Worker


def summary(id_: str) -> str:
    """What an id means, in one sentence."""
    return documentation(id_).partition("\n\n")[0].replace("\n", " ")


def explain(id_: str) -> Explanation:
    """What an id means, with its two programs played.

    Raises:
        KeyError: there is no such id.
        GraderError: a service that the programs need can't be started.
    """
    example = EXAMPLES[id_]
    paragraphs = [" ".join(one.split()) for one in documentation(id_).split("\n\n")]
    with closing(Worker()) as worker, played(example, worker) as case:
        return Explanation(
            id=id_,
            summary=paragraphs[0],
            reason="\n\n".join(paragraphs[1:-1]),
            remedy=paragraphs[-1],
            wrong=PlayedProgram(example.wrong, case.got, diagnose(case)[0].text),
            right=PlayedProgram(example.right, case.expected),
        )


@contextmanager
def played(example: Example, worker: Worker) -> Iterator[Case]:
    """The failed check that an example makes: its wrong program held against its right one."""
    with ExitStack() as stack:
        learner, reference = (
            Subject(stack.enter_context(closing(_player(worker, text, name))), FACTORY)
            for name, text in (("wrong", example.wrong), ("right", example.right))
        )

        def replay(scenario: Scenario) -> tuple[Trace, Trace]:
            return with_owners(learner.play(scenario)), with_owners(reference.play(scenario))

        got, expected = replay(example.scenario)
        aspect = example.aspect if got.outcome.kind == "finished" else None
        yield Case(got, expected, example.scenario, aspect, replay, example.wrong)


def _player(worker: Worker, text: str, name: str) -> FilePlayer:
    return FilePlayer(worker, text, f"/{name}.py", remember=True)
