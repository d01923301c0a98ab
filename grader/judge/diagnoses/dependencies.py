"""FastAPI's part: which dependencies are solved, when they end, who handles errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ...model.trace import Exchange, Span, SpanKind
from ..aspects.aspect import times
from ..aspects.dependencies import errors_in_request, spans_around, stage_of
from .case import Case, at_line, of_line
from .registry import Finding, rule


def _pairs(
    case: Case, kind: SpanKind
) -> Iterator[tuple[Exchange, list[Span], Exchange, list[Span]]]:
    for ours, theirs in case.exchanges():
        mine = spans_around(case.got, ours, kind)
        yield ours, mine, theirs, spans_around(case.expected, theirs, kind)


@rule("dependency-solved-again", "dependencies")
def dependency_solved_again(case: Case) -> Finding | None:
    """A dependency is solved more than once for a request.

    FastAPI solves a dependency once for each request, however many others need it, and hands all
    of them the same result. `use_cache=False`, or a call by hand, solves it again: that takes
    time, and two parts of the code then work with two sessions or two users.

    Instead: `Depends(get_session)` wherever it is needed, and nothing else.
    """
    for _, mine, _, should in _pairs(case, "dependency"):
        often, once = _counted(mine), _counted(should)
        for span in mine:
            if often[span.name] > once[span.name] > 0:
                count, line = often[span.name], span.line
                return Finding(
                    line,
                    f"{span.name}{of_line(line)} is solved {times(count)} for one request. Does "
                    "all that needs it ask for the same dependency, and may FastAPI cache it?",
                )
    return None


@rule("dependency-missing", "dependencies", "cleanups")
def dependency_missing(case: Case) -> Finding | None:
    """A dependency that a request needs is not solved for it.

    What an endpoint depends on is in its signature, in `dependencies=` of its route, of its
    router or of the app, or in the signature of another dependency. FastAPI stops at the first
    one that fails, so those after it are not solved either.

    Instead: declare it with `Depends` where it is needed, in the order in which it is needed.
    """
    for ours, mine, _, should in _pairs(case, "dependency"):
        known = _counted(mine)
        missing = next((span.name for span in should if not known[span.name]), None)
        if missing is not None:
            return Finding(
                ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)} is answered without {missing}, "
                "which it depends on. Where is that declared?",
            )
    return None


@rule("dependencies-out-of-order", "dependencies")
def dependencies_out_of_order(case: Case) -> Finding | None:
    """Dependencies are solved in the wrong order.

    First come those of the app, then those of the router, of the route and of the endpoint's
    signature, in the order in which they are written; before each of them those that it needs
    itself. So a check that should come first has to be declared first.

    Instead: put what guards an endpoint into `dependencies=` of its router or route. What needs
    another dependency's result takes that as a parameter.
    """
    for _, mine, _, should in _pairs(case, "dependency"):
        if _counted(mine) != _counted(should):
            continue
        for span, wanted in zip(mine, should, strict=True):
            if span.name != wanted.name:
                return Finding(
                    span.line,
                    f"{span.name}{of_line(span.line)} is solved where {wanted.name} should be. "
                    "In which order are they declared, and which of them needs which?",
                )
    return None


@rule("cleanup-at-wrong-time", "cleanups", "dependencies")
def cleanup_at_wrong_time(case: Case) -> Finding | None:
    """What follows the `yield` of a dependency runs at the wrong time.

    FastAPI runs it after the answer is sent: the client doesn't wait for it, and an error in it
    can't change the answer any more. With `Depends(..., scope="function")` it runs when the
    endpoint has returned, before the answer is sent: a commit has failed or succeeded by then.

    Instead: `scope="function"` for what the answer depends on, nothing for what only tidies up.
    """
    for ours, mine, theirs, should in _pairs(case, "cleanup"):
        wanted = {span.name: stage_of(theirs, span) for span in should}
        for span in mine:
            stage = stage_of(ours, span)
            if wanted.get(span.name, stage) != stage:
                return Finding(
                    span.line,
                    f"What follows the yield of {span.name}{of_line(span.line)} runs {stage}, and "
                    f"should run {wanted[span.name]}. Which scope does the dependency have?",
                )
    return None


@rule("handled-elsewhere", "handlers")
def handled_elsewhere(case: Case) -> Finding | None:
    """An error reaches the wrong exception handler, or none.

    Starlette looks for a handler of the error's own class, then of the class above it, and so
    on. An error that is turned into an HTTPException on the way, or is caught, never gets there;
    one that is raised by a handler isn't handled again.

    Instead: let the error through where it happens, and declare `@app.exception_handler` for its
    class, or for the nearest one above it.
    """
    for ours, theirs in case.exchanges():
        mine = spans_around(case.got, ours, "handler")
        should = spans_around(case.expected, theirs, "handler")
        if [span.arguments for span in mine] == [span.arguments for span in should]:
            continue
        wanted = str(should[0].arguments[0]) if should else "no error"
        line = mine[0].line if mine else ours.line
        took = f"takes {mine[0].arguments[0]}" if mine else "isn't asked"
        return Finding(
            line,
            f"For {ours.method} {ours.path} the exception handler{of_line(line) if mine else ''} "
            f"{took}, where {wanted} should be handled. What is raised there, and who catches it?",
        )
    return None


@rule("validated-otherwise", "validation")
def validated_otherwise(case: Case) -> Finding | None:
    """Requests aren't validated as they should be.

    FastAPI validates what the signature declares: the type of each parameter, and the limits in
    `Query`, `Path` and `Field`. It refuses all that is wrong at once, before the endpoint runs.

    Instead: say in the signature, or in the model, what a request has to be.
    """
    for ours, theirs in case.exchanges():
        mine = set(errors_in_request(case.got, ours))
        should = set(errors_in_request(case.expected, theirs))
        if mine != should:
            extra, missing = sorted(mine - should), sorted(should - mine)
            what = f"refuses {extra[0]}" if extra else f"does not refuse {missing[0]}"
            return Finding(
                ours.line,
                f"{at_line(ours.line)}: the validation of {ours.method} {ours.path} {what}. What "
                "do the types and limits of its parameters say?",
            )
    return None


def _counted(spans: list[Span]) -> Counter[str]:
    return Counter(span.name for span in spans)
